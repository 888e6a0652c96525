import { DRILL, mailboxName } from '../contract/constants.ts';
import type { Delivery } from '../contract/delivery.ts';
import type { DrillNotice, DrillReport } from '../contract/drill.ts';
import type { DrillPayload } from '../contract/envelope.ts';
import type { ApprovalRequest } from '../contract/in-flow.ts';
import type { Review, ReviewRow } from '../contract/review.ts';
import type { ReviewerConfig } from '../contract/config.ts';
import { membersOf, voterOf } from './eligibility.ts';
import { isOperator } from './freeze.ts';
import type { Settings } from './policy/settings.ts';

/** What only a drill's proposer is called; an unsigned question is asked by `workflow:…` or `temporal:…`. */
export function drillProposer(reviewer: string): string {
  return `drill:${reviewer}`;
}

/**
 * Whether a review is a drill: the gate asked the question itself, for a request that it verified. Kind and tool are both
 * in the digest, so a decision on a drill is one on nothing else. ◆ The tool alone is not enough: a call may have any name.
 */
export function isDrill(
  review: Pick<Review, 'kind'> & ({ readonly call: Pick<Review['call'], 'tool'> } | Pick<ReviewRow, 'tool'>),
): boolean {
  return review.kind === 'in-flow' && ('call' in review ? review.call.tool : review.tool) === DRILL.tool;
}

/** Groups whose drill this person may start: operators that of any group; where there are none, everyone that of their own. */
export function drillGroupsOf(
  settings: Pick<Settings, 'operators' | 'reviewers'>,
  reviewer: Pick<ReviewerConfig, 'id' | 'groups' | 'role'>,
): readonly string[] {
  if (settings.operators.length === 0) return voterOf(reviewer).groups;
  return isOperator(settings, reviewer) ? [...new Set(settings.reviewers.flatMap((one) => voterOf(one).groups))] : [];
}

/**
 * What a drill asks. Everyone has to answer before it ends early, so one answer does not keep the others from theirs;
 * nobody can reject it, as that would end it for all.
 */
export function questionOfDrill({ group, ttl }: DrillPayload, reviewers: Settings['reviewers']): ApprovalRequest {
  const members = membersOf([group], reviewers).map(({ id }) => id);
  return {
    title: `Drill for ${group}: please answer. Nothing will happen.`,
    proposal: { group, members },
    levels: [{ name: 'drill', approvers: [group], quorum: Math.max(1, members.length) }],
    separationOfDuties: false,
    ttl,
    allow: ['approve'],
  };
}

/** Who was told of a drill, and who answered, from its review and its deliveries. */
export function reportDrill(review: Review, deliveries: readonly Delivery[]): DrillReport {
  const { group, members } = review.call.arguments ?? {};
  const [level] = review.levels;
  const answers = new Map((level?.decisions ?? []).map(({ reviewer, ...answer }) => [reviewer, answer]));
  // Retention erases whom it was for, and keeps who answered.
  const people = Array.isArray(members) ? members.map(String) : [...answers.keys()];
  const told = deliveries.filter(({ event }) => event === 'review.pending');
  const mailboxes = new Set(people.map(mailboxName));
  return {
    reviewId: review.reviewId,
    group: typeof group === 'string' ? group : (level?.approvers[0] ?? ''),
    startedBy: review.proposer.owner ?? review.proposer.id,
    startedAt: review.proposedAt,
    expiresAt: review.expiresAt,
    endedAt: review.resolvedAt,
    status: review.status,
    members: people.map((reviewer) => {
      const answer = answers.get(reviewer);
      return {
        reviewer,
        notices: told.filter(({ destination }) => destination === mailboxName(reviewer)).map(noticeOf),
        answer: answer === undefined ? null : { at: answer.decidedAt, channel: answer.channel },
      };
    }),
    notices: told.filter(({ destination }) => !mailboxes.has(destination)).map(noticeOf),
  };
}

function noticeOf({ destination, state, code, settledAt }: Delivery): DrillNotice {
  return { destination, state, code, at: settledAt };
}

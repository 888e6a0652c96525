import type { Review } from '../../contract/review.ts';
import { canBeStopped } from '../../domain/stop.ts';
import type { SessionResponse as Session } from '../../contract/api.ts';
import { shortDuration } from '../ui/time.ts';

/**
 * Why this person cannot decide now, in words; undefined: they can. For the page alone: the server judges again, by the
 * configuration in force.
 */
export function whyNot(review: Review, { reviewer }: Session, now: number): string | undefined {
  if (canBeStopped(review)) return whyNotStop(review, reviewer, now);
  if (review.status === 'changes_requested') return 'Changes were asked for. It waits for the proposer.';
  if (review.status !== 'pending') return undefined;
  if (review.call.digest === null)
    return 'Holdpoint is still gathering evidence. Deciding becomes possible in a moment.';
  if (review.expiresAt !== null && Date.parse(review.expiresAt) <= now) {
    return 'The deadline has passed, and the answer was no.';
  }
  if (reviewer.role === 'auditor') return 'Auditors read everything and decide nothing.';
  const votes = review.revisions.at(-1)?.decisions ?? [];
  const mine = votes.find(({ reviewer: id }) => id === reviewer.id);
  const level = review.levels[review.level - 1];
  if (level === undefined) return undefined;
  if (mine !== undefined && (mine.level === review.level || review.separationOfDuties)) {
    return 'Your vote on this version counts. It waits for others.';
  }
  if (review.separationOfDuties && review.proposer.owner === reviewer.id) {
    return 'You own the agent that proposed this, and separation of duties is on.';
  }
  const groups = votersOf(level, now);
  if (!groups.some((group) => reviewer.groups.includes(group))) return `It waits for ${groups.join(' or ')}.`;
  return undefined;
}

/** A reviewer who may vote on any level may stop the call, whatever they voted before. */
function whyNotStop(review: Review, reviewer: Session['reviewer'], now: number): string | undefined {
  const groups = [...new Set(review.levels.flatMap((level) => votersOf(level, now)))];
  if (reviewer.role !== 'auditor' && groups.some((group) => reviewer.groups.includes(group))) return undefined;
  return `Approved, and not run yet. ${groups.join(' or ')} can still stop it.`;
}

/**
 * Why this person cannot say now what became of a call, in words; undefined: they can. As {@link whyNot}, for the page
 * alone.
 */
export function whyNotReconcile(review: Review, { reviewer }: Session, now: number): string | undefined {
  const last = review.levels.at(-1);
  const groups = last === undefined ? [] : votersOf(last, now);
  const who = groups.length === 0 ? 'any reviewer' : `somebody of ${groups.join(' or ')}`;
  const { owner } = review.proposer;
  const notOwner = owner === null ? '' : `, but not ${owner}, who owns the proposer`;
  if (reviewer.role === 'auditor')
    return `Auditors read everything and settle nothing. It waits for ${who}${notOwner}.`;
  if (reviewer.id === owner) return `You own the agent that proposed this. It waits for ${who} else.`;
  const isApprover = last === undefined || groups.some((group) => reviewer.groups.includes(group));
  if (!isApprover) return `It waits for ${who}${notOwner}.`;
  const { reconcilableFrom } = review.execution;
  if (reconcilableFrom === undefined || Date.parse(reconcilableFrom) <= now) return undefined;
  return `The request may still be on its way. It can be settled in ${shortDuration(Date.parse(reconcilableFrom) - now)}.`;
}

/** Groups that may vote on a level by now. */
function votersOf({ approvers, escalation }: Review['levels'][number], now: number): readonly string[] {
  return [...approvers, ...(escalation !== null && Date.parse(escalation.at) <= now ? escalation.to : [])];
}

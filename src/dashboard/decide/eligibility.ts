import type { Review } from '../../contract/review.ts';
import type { Session } from '../session/session.ts';

/**
 * Why this person cannot decide now, in words; undefined: they can. For the page alone: the server judges again, by the
 * configuration in force.
 */
export function whyNot(review: Review, { reviewer }: Session, now: number): string | undefined {
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
  const { escalation } = level;
  const escalated = escalation !== null && Date.parse(escalation.at) <= now ? escalation.to : [];
  const groups = [...level.approvers, ...escalated];
  if (!groups.some((group) => reviewer.groups.includes(group))) return `It waits for ${groups.join(' or ')}.`;
  return undefined;
}

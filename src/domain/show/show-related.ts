import type { RelatedReview, Review } from '../../contract/review.ts';
import { capitalize, EXECUTION, hasEnded, STATUS } from '../lifecycle.ts';
import { canBeStopped } from '../stop.ts';
import { pair, said, type Block, type Line, type Pair, type Section } from './shown.ts';

/** Equal calls, of which a yes makes one more. */
export function showEqual(review: Review, now: number): Section[] {
  const blocks = relatedTo(review, 'equal').map((one): Block => ({ kind: 'warning', line: describeEqual(one, now) }));
  return blocks.length === 0 ? [] : [{ id: 'equal', heading: 'The same call again', voice: 'holdpoint', blocks }];
}

/** What was tried before, where people rejected or changed some of it. */
export function showEarlier(review: Review, now: number): Section[] {
  const pairs = relatedTo(review, 'earlier').map((one) => describeEarlier(one, now));
  if (pairs.length === 0) return [];
  const heading = 'What this agent tried before with this tool';
  return [{ id: 'earlier', heading, voice: 'holdpoint', blocks: [{ kind: 'pairs', pairs }] }];
}

/** Only where something is still decided. */
function relatedTo(review: Review, relation: RelatedReview['relation']): readonly RelatedReview[] {
  const isOpen = !hasEnded(review.status) || canBeStopped(review);
  return isOpen ? (review.related ?? []).filter((one) => one.relation === relation) : [];
}

function describeEqual(one: RelatedReview, now: number): Line {
  const link: Line = [' (', { review: one.reviewId }, '). '];
  const twice = 'If you approve this one, it runs again.';
  switch (one.executionStatus) {
    case 'not_started':
      return hasEnded(one.status)
        ? ['The same call is approved and about to run', ...link, twice]
        : [
            'The same call is also waiting, proposed ',
            { at: one.proposedAt, now },
            ...link,
            'If both are approved, it runs twice.',
          ];
    case 'executing':
      return ['The same call is running', ...link, twice];
    case 'outcome_unknown':
      return ['The same call was sent, and it is not known whether it took effect', ...link, twice];
    case 'executed':
    case 'failed':
      return ['The same call ran ', { at: one.endedAt ?? one.proposedAt, now }, ...deciderOf(one), ...link, twice];
    default:
      return one.executionStatus satisfies never;
  }
}

/** `Rejected 2 minutes ago: payouts.create {"amount":500}, by ops-1 (rev_…)`. */
function describeEarlier(one: RelatedReview, now: number): Pair {
  const { editedBy, proposedAsThis } = one;
  const label: Line = [capitalize(outcomeOf(one)), ' ', { at: one.endedAt ?? one.proposedAt, now }];
  const edited: Line = editedBy === null ? [] : [', edited by ', said(editedBy)];
  const before: Line = proposedAsThis ? [', proposed as this call is'] : [];
  // What a caller put into it stands in quotes already.
  return pair(label, [
    { policy: one.summary },
    ...before,
    ...edited,
    ...deciderOf(one),
    ' (',
    { review: one.reviewId },
    ')',
  ]);
}

function outcomeOf({ status, executionStatus, editedBy }: RelatedReview): string {
  if (executionStatus === 'executed') return editedBy === null ? 'ran' : 'ran, edited,';
  return executionStatus === 'not_started' ? STATUS[status].label : EXECUTION[executionStatus].label;
}

function deciderOf({ status, decidedBy, editedBy }: RelatedReview): Line {
  // Withdrawn by its proposer, not decided by a reviewer.
  if (status === 'withdrawn' || decidedBy === null || decidedBy === editedBy) return [];
  return [', decided by ', said(decidedBy)];
}

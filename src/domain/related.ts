import type { ExecutionView, RelatedReview, Review, ReviewRow } from '../contract/review.ts';
import { hasEnded } from './lifecycle.ts';
import { summaryOfRow } from './show/title.ts';

/** How long before a proposal what the agent tried with the same tool is told of, ms. */
const RECENT_MS = 3_600_000;
/** A call can run so much later than its review ended, ms; beyond it an approval is stale unless configured otherwise. */
const RUNS_WITHIN_MS = 3_600_000;
/** Tries that are told of; equal calls are told of in any number. */
const MOST_EARLIER = 10;

/** Another review of the same agent and tool. */
export interface TriedCall {
  readonly row: ReviewRow;
  readonly execution: ExecutionView;
  /** Who ended the review. */
  readonly by: string | null;
  /** Who made the version that stands, where it was not the proposer. */
  readonly editedBy: string | null;
  /** Its call is equal to the one that it is compared with. */
  readonly equal: boolean;
  /** One of its earlier versions is. */
  readonly equalBefore: boolean;
}

/** ISO 8601: a review that ended before this has nothing to do with one that was proposed later. */
export function relatedSince({ proposedAt }: Pick<Review, 'proposedAt'>): string {
  return new Date(Date.parse(proposedAt) - RECENT_MS - RUNS_WITHIN_MS).toISOString();
}

/** What people are told of others beside a review: equal calls, and what was tried before where some of it was corrected. */
export function relateReviews(
  review: Pick<Review, 'reviewId' | 'proposedAt'>,
  tried: readonly TriedCall[],
): RelatedReview[] {
  const since = Date.parse(review.proposedAt) - RECENT_MS;
  const isRecent = (at: string | null): boolean => at === null || Date.parse(at) >= since;
  const equal = tried.filter((one) => one.equal && mayHaveEffect(one) && isRecent(endOf(one)));
  const earlier = tried.filter(
    (one) => !equal.includes(one) && one.row.reviewId < review.reviewId && isRecent(endOf(one) ?? one.row.proposedAt),
  );
  const told = earlier.some(wasCorrected) ? earlier.slice(0, MOST_EARLIER) : [];
  return [
    ...equal.map((one) => relate(one, 'equal', hasEnded(one.row.status) || one.row.reviewId < review.reviewId)),
    ...told.map((one) => relate(one, 'earlier', false)),
  ];
}

/** A review as people are told of it, with what the same agent did besides. */
export function withRelated(review: Review, related: readonly RelatedReview[]): Review {
  return related.length === 0 ? review : { ...review, related: [...related] };
}

/**
 * Equal calls of which a yes must say that twice is meant. Of two that wait, the later one asks: whichever is approved
 * first, and if both are at the same moment, one of the two is.
 */
export function repeatsToConfirm(related: readonly RelatedReview[] | undefined): readonly RelatedReview[] {
  return (related ?? []).filter(({ mustConfirm }) => mustConfirm);
}

function relate(one: TriedCall, relation: RelatedReview['relation'], mustConfirm: boolean): RelatedReview {
  const { reviewId, status, executionStatus, proposedAt } = one.row;
  return {
    reviewId,
    relation,
    status,
    executionStatus,
    summary: summaryOfRow(one.row),
    proposedAt,
    endedAt: endOf(one),
    decidedBy: one.execution.stopped?.by ?? one.by,
    editedBy: one.editedBy,
    proposedAsThis: relation === 'earlier' && (one.equalBefore || one.equal),
    mustConfirm,
  };
}

function endOf({ row, execution }: TriedCall): string | null {
  return execution.finishedAt ?? row.resolvedAt;
}

/** It waits, will run, ran, or its outcome is unknown. */
function mayHaveEffect({ row, execution }: TriedCall): boolean {
  return !hasEnded(row.status) || (row.status === 'approved' && execution.status !== 'failed');
}

/** A person did not let the call be made as it was proposed. */
function wasCorrected({ row, execution, editedBy }: TriedCall): boolean {
  return row.status === 'rejected' || execution.stopped !== undefined || editedBy !== null;
}

import type { ReviewRow } from '../../contract/review.ts';
import { waitsFor, type Voter } from '../../domain/eligibility.ts';
import { rowCanBeStopped } from '../../domain/stop.ts';
import type { ListOptions, ReviewPage } from '../../client/reviews.ts';

/** Which reviews a list holds, whatever its pages. */
export type ListFilter = Omit<ListOptions, 'limit' | 'cursor'>;

/**
 * Updates a list after one of its reviews changed: a row that no longer matches the filter is removed, others are placed in
 * order (deadline, then id). A row that belongs after the loaded pages comes with a later page.
 */
export function placeRow(pages: readonly ReviewPage[], row: ReviewRow, filter: ListFilter, me: Voter): ReviewPage[] {
  const without = pages.map((page) => ({
    ...page,
    reviews: page.reviews.filter(({ reviewId }) => reviewId !== row.reviewId),
  }));
  if (!fits(row, filter, me)) return without;
  const last = without.length - 1;
  for (const [index, page] of without.entries()) {
    const at = page.reviews.findIndex((other) => comesBefore(row, other));
    if (at !== -1) return replaced(without, index, page.reviews.toSpliced(at, 0, row));
    const isEnd = index === last && page.nextCursor === null;
    if (isEnd) return replaced(without, index, [...page.reviews, row]);
  }
  return without;
}

export function fits(row: ReviewRow, filter: ListFilter, me: Voter): boolean {
  const statuses = filter.status === undefined ? undefined : [filter.status].flat();
  if (statuses !== undefined && !statuses.includes(row.status)) return false;
  if (filter.approver === 'me' && !waitsFor(row, me)) return false;
  return (
    (filter.tool ?? row.tool) === row.tool &&
    (filter.service ?? row.service) === row.service &&
    (filter.proposer ?? row.proposer.id) === row.proposer.id &&
    (filter.threadId ?? row.threadId) === row.threadId &&
    (filter.group ?? row.group) === row.group &&
    (filter.execution === undefined ||
      (filter.execution === 'not_started' ? rowCanBeStopped(row) : filter.execution === row.executionStatus))
  );
}

function comesBefore(a: ReviewRow, b: ReviewRow): boolean {
  const [first, second] = [deadline(a), deadline(b)];
  return first === second ? a.reviewId < b.reviewId : first < second;
}

function deadline(row: ReviewRow): number {
  return row.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(row.expiresAt);
}

function replaced(pages: readonly ReviewPage[], index: number, reviews: ReviewRow[]): ReviewPage[] {
  return pages.map((page, i) => (i === index ? { ...page, reviews } : page));
}

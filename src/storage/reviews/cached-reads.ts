import type { Review } from '../../contract/review.ts';
import { hasEnded } from '../../domain/lifecycle.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import type { StoredReview } from '../../ports/store.ts';
import type { Query } from '../database/database.ts';
import type { Written } from '../commit/group-commit.ts';
import type { PreparedCommit } from '../commit/prepare.ts';
import * as reads from './reads.ts';
import { composeReview, withExecution } from './review-row.ts';
import { cacheRows, type Found } from '../database/row-cache.ts';

/** Reads of single reviews and ledger rows. */
export interface RowReads {
  readReview(reviewId: string): Promise<StoredReview | undefined>;
  readLedger(reviewId: string): Promise<LedgerRow | undefined>;
  /** Told of every group before those who asked for it. */
  onWritten(written: readonly Written[]): void;
  /** A ledger row has another objection. */
  forgetLedger(reviewId: string): void;
  /** Anything may have been written. */
  forgetAll(): void;
}

export function directReads(query: Query): RowReads {
  return {
    readReview: async (reviewId) => (await reads.readReview(query, reviewId))?.value,
    readLedger: (reviewId) => reads.readLedger(query, reviewId),
    onWritten: () => {},
    forgetLedger: () => {},
    forgetAll: () => {},
  };
}

/**
 * The same from memory, for a database that this process alone writes. What a commit leaves behind is known from the
 * commit, so most rows are never read at all. The database still judges every step itself: a row in memory decides
 * nothing.
 */
export function cachedReads(query: Query): RowReads {
  const reviews = cacheRows((reviewId) => reads.readReview(query, reviewId));
  const ledger = cacheRows(async (reviewId) => sized(await reads.readLedger(query, reviewId)));
  return {
    readReview: (reviewId) => reviews.read(reviewId),
    readLedger: (reviewId) => ledger.read(reviewId),
    onWritten: (written) => {
      for (const { commit, row, entries } of written) {
        if (commit.step !== undefined) ledger.written(commit.step.review_id, sized(row ?? undefined));
        for (const id of commit.reviewIds)
          reviews.written(id, reviewAfter(reviews.peek(id), id, commit, entries.at(-1)?.index));
      }
    },
    forgetLedger: (reviewId) => ledger.written(reviewId, undefined),
    forgetAll: () => {
      reviews.clear();
      ledger.clear();
    },
  };
}

/**
 * The review as the database keeps it now; undefined where that takes more than the commit to tell. What has ended, or
 * whose call has, may have been erased: such a row is the database's to read.
 */
export function reviewAfter(
  before: Found<StoredReview> | undefined,
  reviewId: string,
  { step, review: written }: Pick<PreparedCommit, 'step' | 'review'>,
  index: number | undefined,
): Found<StoredReview> | undefined {
  if (index === undefined || written?.columns.review_id !== reviewId) return undefined;
  const found = (review: Review, size: number): Found<StoredReview> => ({
    value: { review, index: Math.max(index, before?.value.index ?? 0) },
    size,
  });
  switch (written.kind) {
    case 'reviews': {
      const { state, execution, settles_execution: settles } = written.columns;
      const size = state.length + execution.length;
      // Its first step: there was no row before.
      if (step?.to === 'open') return found(composeReview(state, execution), size);
      if (before === undefined || hasEnded(before.value.review.status)) return undefined;
      const review = composeReview(state, execution);
      return found(settles ? review : withExecution(review, before.value.review.execution), size);
    }
    case 'executions': {
      if (before === undefined || !isUnderWay(before.value.review)) return undefined;
      const { execution } = written.columns;
      return found(
        withExecution(before.value.review, JSON.parse(execution) as Review['execution']),
        before.size + execution.length,
      );
    }
    case 'ends':
      return undefined;
    default:
      return written satisfies never;
  }
}

function isUnderWay({ execution }: Review): boolean {
  return execution.status === 'not_started' || execution.status === 'executing';
}

function sized(row: LedgerRow | undefined): Found<LedgerRow> | undefined {
  return row === undefined ? undefined : { value: row, size: 500 + (JSON.stringify(row.outcome)?.length ?? 0) };
}

import type { DsseEnvelope } from '../contract/envelope.ts';
import type { ReviewId } from '../contract/ids.ts';
import type { ReviewStatus } from '../contract/review.ts';
import type { LedgerState } from '../domain/ledger.ts';

/** A signed no as it was stored, before any workflow was told of it. */
export interface StoredObjection {
  /** Rises with every objection; those of one review may have been committed in another order. */
  readonly n: number;
  readonly reviewId: ReviewId;
  /** As it came; nothing of it counts until it is verified. Undefined: not even JSON. */
  readonly envelope: unknown;
  /** Epoch ms. */
  readonly storedAt: number;
  /** The execute worker could not verify it. */
  readonly unreadable: boolean;
}

/** An objection about which something may still have to be done, and where its review stands. */
export interface UnsettledObjection extends StoredObjection {
  readonly ledger: LedgerState;
  readonly status: ReviewStatus | null;
}

export interface ObjectionStore {
  /**
   * Stores a no while nothing has been claimed; storing the same envelope again changes nothing. Only the login of the
   * reviewers' api may.
   */
  object(reviewId: ReviewId, envelope: DsseEnvelope): Promise<'stored' | 'already_started' | 'already_resolved'>;
  /** Whether the login may store objections. Throws `database_unavailable`. */
  mayObject(): Promise<boolean>;
  /** The oldest ones of a review, settled or not; `LedgerRow.objections` counts all. */
  ofReview(reviewId: ReviewId, limit: number): Promise<readonly StoredObjection[]>;
  /** In order of `n`, beginning after one. */
  unsettled(after: number, limit: number): Promise<readonly UnsettledObjection[]>;
  /** By the gate worker: nothing is left to do about it. The claim still judges it. */
  settle(n: number): Promise<void>;
  /** By the execute worker. */
  setUnreadable(n: number, unreadable: boolean): Promise<void>;
  countUnreadable(): Promise<number>;
}

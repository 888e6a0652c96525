import type { ReviewId } from '../contract/ids.ts';
import type { Timestamp } from '../contract/json.ts';

/** Which Temporal this is. Names are not enough: `default` exists on every server. */
export interface TemporalIdentity {
  readonly namespaceId: string;
  /** Null where the namespace is global: it may move between clusters. */
  readonly clusterId: string | null;
}

/** Ledger states in which a review still needs its workflow. */
export const UNSETTLED_STATES = ['claimed', 'unknown', 'deferred', 'open'] as const;
export type UnsettledState = (typeof UNSETTLED_STATES)[number];

export interface SweepHalt {
  readonly at: Timestamp;
  /** Lost reviews that the sweep found and did not settle; not all of them. */
  readonly reviewIds: readonly ReviewId[];
}

/** What recovery keeps in the database, for all workers together. */
export interface RecoveryStore {
  /** The Temporal that this database belongs to; undefined: not bound yet. */
  binding(): Promise<TemporalIdentity | undefined>;
  /** Binds the database where it is not bound yet. */
  bind(identity: TemporalIdentity): Promise<void>;
  /** Binds it to another Temporal and approves that these reviews are settled as lost. */
  rebind(identity: TemporalIdentity, lost: readonly ReviewId[]): Promise<void>;
  /**
   * Ledger rows in this state that have not been reconciled and did not change since `before`, in the order of their
   * ids, from the first one behind `after` (null: from the start).
   */
  unsettled(
    state: UnsettledState,
    before: Timestamp,
    limit: number,
    after: ReviewId | null,
  ): Promise<readonly ReviewId[]>;
  /**
   * Asks whether a review may be settled as lost: up to `LIMITS.lostPerHour` reviews an hour, and those that a person
   * approved. The first refusal halts every sweep, with `found` for people to see.
   */
  takeLost(reviewId: ReviewId, found: readonly ReviewId[]): Promise<boolean>;
  status(): Promise<{ readonly halt: SweepHalt | null; readonly lostLastHour: number }>;
  /** A person approves, for a day, that these reviews are settled as lost; sweeps go on. */
  approveLost(lost: readonly ReviewId[]): Promise<void>;
}

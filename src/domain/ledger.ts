import type { ReviewId } from '../contract/ids.ts';
import type { Digest, Json, Timestamp } from '../contract/json.ts';

/**
 * One row per review; moves one way: `open → denied`, or `open → claimed → done | failed | unknown`. A claim whose send
 * provably had no effect is given back (`claimed → deferred`); a deferred row is denied, or claimed anew. The row of a call
 * without a workflow begins as `claimed`.
 */
export const LEDGER_STATES = ['open', 'deferred', 'denied', 'claimed', 'done', 'failed', 'unknown'] as const;
export type LedgerState = (typeof LEDGER_STATES)[number];

/** No claim stands: the call has not run, and can still be denied or claimed. */
export function isUnclaimed(state: LedgerState): state is 'open' | 'deferred' {
  return state === 'open' || state === 'deferred';
}

/** Why a claim was given back, as stored: scrubbed already. */
export interface Deferral {
  readonly code: string;
  readonly message: string;
  readonly upstreamStatus?: number;
  readonly at: Timestamp;
  /** The call is not made again before this. */
  readonly retryAt: Timestamp;
}

/** What came of a claimed call, as stored: redacted and scrubbed already. */
export interface ExecutionOutcome {
  readonly body?: Json;
  readonly upstreamStatus?: number;
  /** The target asked not to be called again before this. */
  readonly retryAfter?: Timestamp;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly finishedAt: Timestamp;
}

export interface LedgerRow {
  readonly reviewId: ReviewId;
  readonly state: LedgerState;
  /** Binds the row to one proposal: a second start with the same id and another call meets another digest. */
  readonly proposalDigest: Digest;
  readonly openedAt: Timestamp;
  /** Set at opening or at the first deny; never moves later. Null: the call does not wait. */
  readonly expiresAt: Timestamp | null;
  /** Claimed as it was opened, without a workflow (`begin`). */
  readonly isDirect: boolean;
  /** Reason code of a deny: `rejected`, `expired`, `withdrawn`, `aborted`, `approval_stale`, a block reason … */
  readonly denial: { readonly reason: string; readonly at: Timestamp } | null;
  readonly claim:
    | (Omit<NewClaim, 'reviewId'> & {
        /** When the call was first claimed, before any deferral: the idempotency key counts from then. */
        readonly firstAt: Timestamp;
        /** How often the call was sent again under this claim, and when it may be sent next. */
        readonly resends: number;
        readonly resendAt: Timestamp | null;
      })
    | null;
  /** The last deferral and how many there were; kept when the call is claimed anew, or denied. */
  readonly deferral: (Deferral & { readonly times: number }) | null;
  readonly outcome: ExecutionOutcome | null;
  readonly reconciliation: {
    readonly outcome: 'executed' | 'failed';
    readonly by: string;
    readonly note: string;
    readonly at: Timestamp;
  } | null;
  /** How many objections are stored against it, whatever they are worth. */
  readonly objections: number;
}

interface NewClaim {
  readonly reviewId: ReviewId;
  readonly token: string;
  readonly at: Timestamp;
  /** A holder of the claim must not send after this. */
  readonly sendBy: Timestamp;
  /** From this time on the request cannot still be in flight, so the outcome may be reconciled. */
  readonly settledBy: Timestamp;
  readonly digest: Digest;
  readonly idempotencyKey: string | null;
}

/** The call was judged by the freezes of this version. With any other in force, the step is refused (`outdated`). */
interface Judged {
  readonly freezeVersion: number;
}

/**
 * A step of the ledger. It succeeds only from the states named; otherwise nothing of the whole commit is written and
 * the row as it stands is returned.
 *
 * - `open`: from nothing. A row that exists already with the same `proposalDigest` is returned unchanged (`existing`).
 * - `begin`: from nothing: a call that policy frees is claimed at once, without a workflow. Only the execute worker, and only
 *   together with exactly the entries and the review of such a call. A row in any state is returned unchanged.
 * - `tighten`: from `open` or `deferred`; moves `expiresAt` earlier (a later one is ignored).
 * - `deny`: from `open` or `deferred`, or from nothing (a blocked call has a row of its own, denied at once).
 * - `claim`: from `open` or `deferred`, and only while exactly as many objections are stored as it says were judged. Only
 *   the execute worker. A `deny` that answers an in-flow question says so too. From `deferred` the row keeps the
 *   idempotency key and the time of the first claim.
 * - `defer`: from `claimed`, with the claim's token, and only while the call was not sent again under this claim: a
 *   second request may have had the effect that the first had not. Never after `begin`.
 * - `resend`: from `claimed`, with the claim's token and the number of resends so far, no sooner than the last one said.
 * - `finish`: from `claimed`, or from `unknown` where not reconciled (a late result), with the claim's token. A failure of
 *   one send says nothing of a later one, so `failed` also requires that there was none.
 * - `unknown`: from `claimed`, with the claim's token: a worker that saw an earlier claim cannot settle a later one.
 * - `reconcile`: from `unknown` where not reconciled.
 */
export type LedgerTransition =
  | {
      readonly to: 'open';
      readonly reviewId: ReviewId;
      readonly proposalDigest: Digest;
      readonly at: Timestamp;
      readonly expiresAt: Timestamp | null;
      /** Of a call; absent for what no freeze stops. */
      readonly freezeVersion?: number;
    }
  | (NewClaim & Judged & { readonly to: 'begin'; readonly proposalDigest: Digest })
  | { readonly to: 'tighten'; readonly reviewId: ReviewId; readonly expiresAt: Timestamp }
  | {
      readonly to: 'deny';
      readonly reviewId: ReviewId;
      readonly proposalDigest: Digest;
      readonly reason: string;
      readonly at: Timestamp;
      readonly objections?: number;
    }
  | (NewClaim & Judged & { readonly to: 'claim'; readonly objections: number })
  | { readonly to: 'defer'; readonly reviewId: ReviewId; readonly token: string; readonly deferral: Deferral }
  | (Judged & {
      readonly to: 'resend';
      readonly reviewId: ReviewId;
      readonly token: string;
      readonly at: Timestamp;
      /** How often it was sent again before. */
      readonly resends: number;
      /** The call is not sent again before this, by any worker. */
      readonly resendAt: Timestamp;
    })
  | {
      readonly to: 'finish';
      readonly reviewId: ReviewId;
      readonly token: string;
      readonly state: 'done' | 'failed';
      /** Of a failure: how often the call had been sent again when this result was asked for. */
      readonly resends?: number;
      readonly outcome: ExecutionOutcome;
    }
  | { readonly to: 'unknown'; readonly reviewId: ReviewId; readonly token: string; readonly outcome: ExecutionOutcome }
  | {
      readonly to: 'reconcile';
      readonly reviewId: ReviewId;
      readonly outcome: 'executed' | 'failed';
      readonly by: string;
      readonly note: string;
      readonly at: Timestamp;
    };

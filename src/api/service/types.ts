import type { z } from 'zod';
import type { Queued } from '../../contract/api.ts';
import type { decisionsResponseSchema } from '../../contract/decision.ts';
import type { ExecuteResponse } from '../../contract/execute.ts';
import type { Review, ReviewRow } from '../../contract/review.ts';

/** How long to hold a state that may change. */
export interface WaitOptions {
  readonly waitSeconds: number;
  readonly signal: AbortSignal;
  /** Held no longer, either, once a reviewer has asked for changes: the proposer's turn. */
  readonly orChanges?: boolean;
}

/** What every request brings along besides its body. */
export interface Caller {
  /** Where this service is reached, without a slash at the end; for `statusUrl`. */
  readonly baseUrl: string;
  /** Aborted when the caller is gone or the process shuts down; waiting ends, work that was begun does not. */
  readonly signal: AbortSignal;
  /** What is left is waiting: a request with a long body ends its turn, and the next one's begins. */
  readonly endTurn?: () => void;
}

export interface ExecuteOptions extends Caller {
  readonly idempotencyKey?: string | undefined;
}

export interface ExecuteAnswer {
  readonly httpStatus: 200 | 202 | 403 | 502;
  readonly body: ExecuteResponse;
  /** The idempotency key was seen before: this is the review of the first request. */
  readonly replayed: boolean;
}

export interface BatchAnswer {
  readonly group: string;
  /** One per call, in order: the fields of a single execute, or of a problem, and its `httpStatus`. */
  readonly results: readonly Readonly<Record<string, unknown>>[];
}

/** What became of a signed signal. */
export type Settled =
  | { readonly httpStatus: 200; readonly review: Review }
  /** Durably queued: no worker has looked at it within 2 s. */
  | { readonly httpStatus: 202; readonly queued: Queued };

export type DecisionResult = z.infer<typeof decisionsResponseSchema>['results'][number];

/** A change in a stream; `index` is the audit index of the entry that made it. */
interface ReviewEvent<T extends Review | ReviewRow> {
  readonly index: number;
  readonly review: T;
}

/** Streams yield what has happened together, and `idle` when nothing did for 15 s. */
export type Streamed<T extends Review | ReviewRow> = readonly ReviewEvent<T>[] | 'idle';

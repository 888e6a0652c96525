import type { JsonObject } from '../contract/json.ts';
import type { Review } from '../contract/review.ts';
import type { OnChangesRequested } from './changes.ts';
import type { Duration } from './duration.ts';
import type { DecideResult, Reviews } from './reviews.ts';
import type { ReviewEvent, WatchOptions } from './events.ts';
import type { Resolution } from './resolution.ts';

export interface ResolutionOptions {
  /** How long this process waits; default: without end. Running out of it decides nothing. */
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
  /**
   * Asked once for each version that a reviewer wants changed; the arguments that it answers are sent as a revision,
   * and the waiting goes on. Without it a request for changes waits until somebody calls `revise`. What it throws ends
   * the waiting and decides nothing.
   */
  readonly onChangesRequested?: OnChangesRequested;
}

export interface RevisionOptions {
  readonly reason?: string;
  /**
   * The revision that changes were asked of; default: the present one. Give it where your process may die and answer
   * again: a revision that you have answered is not answered twice.
   */
  readonly revision?: number;
}

/** One review, by id. Keep the id and `client.review(id)` gives the same handle in another process. */
export interface ReviewHandle {
  readonly id: string;
  get(): Promise<Review>;
  /**
   * Waits until the review is final: it ended and its execution, if any, ended or is unknown. Polls and reconnects by
   * itself. Throws {@link ResolutionTimeoutError} when `timeout` runs out and the signal's reason when it is aborted.
   */
  resolution(options?: ResolutionOptions): Promise<Resolution>;
  /** Changes of this review as they come; ends when it is final. */
  watch(options?: WatchOptions): AsyncIterableIterator<ReviewEvent>;
  /** Answers a request for changes with other arguments of the same tool. The proposer alone may. */
  revise(args: JsonObject, options?: RevisionOptions): Promise<DecideResult>;
  /** Takes the proposal back. The proposer alone may. */
  withdraw(): Promise<DecideResult>;
}

export function reviewHandle(id: string, reviews: Reviews): ReviewHandle {
  return {
    id,
    get: () => reviews.get(id),
    resolution: (options) => reviews.resolution(id, options),
    watch: (options) => reviews.watch(id, options),
    revise: (args, options) => reviews.revise(id, args, options),
    withdraw: () => reviews.withdraw(id),
  };
}

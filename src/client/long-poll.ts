import { HoldpointError, ResolutionTimeoutError } from './errors.ts';
import { toMs, type Duration } from './options.ts';
import { isFinal, toResolution, type Resolution } from './resolution.ts';
import { sleep } from './retry.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Review } from '../contract/review.ts';

/** Longest hold of one request, in seconds. */
const HOLD = 30;
/** The same where somebody listens for requests for changes, which let go of no held request. */
const LISTENING_HOLD = 5;
/** Longest wait between two failed requests, in ms. */
const MAX_PAUSE = 10_000;
/** Shortest time between two answered requests, in ms. */
const MIN_PERIOD = 250;

type Fetch = (options: { readonly waitSeconds: number; readonly signal: AbortSignal }) => Promise<Review>;

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

/**
 * Asks again and again until the review is final. Anything that may pass (no connection, 429, 5xx) is waited out for
 * as long as the caller waits; only a refusal (401, 403, 404 …) ends it early.
 */
export async function pollUntilFinal(
  reviewId: string,
  fetchReview: Fetch,
  options: ResolutionOptions = {},
  revise: Revise = () => Promise.resolve(),
): Promise<Resolution> {
  const { onChangesRequested: ask } = options;
  const answer = ask && answerChanges(ask, revise);
  const stop = stopSignal(options, answer === undefined ? HOLD : LISTENING_HOLD);
  let failures = 0;
  try {
    for (;;) {
      stop.signal.throwIfAborted();
      const asked = performance.now();
      let review: Review;
      try {
        review = await fetchReview({ waitSeconds: stop.holdSeconds(), signal: stop.signal });
        failures = 0;
      } catch (error) {
        if (stop.signal.aborted) throw error;
        if (!(error instanceof HoldpointError) || !error.retryable) throw error;
        const pause = Math.max(Math.min(MAX_PAUSE, 250 * 2 ** failures), (error.retryAfter ?? 0) * 1_000);
        failures = Math.min(failures + 1, 10);
        await sleep(pause, stop.signal);
        continue;
      }
      if (isFinal(review)) return toResolution(review);
      await answer?.(review);
      // A server that is shutting down lets go early; do not hammer it.
      const early = MIN_PERIOD - (performance.now() - asked);
      if (early > 0) await sleep(early, stop.signal);
    }
  } catch (error) {
    if (stop.timedOut() && options.signal?.aborted !== true) throw new ResolutionTimeoutError(reviewId);
    throw error;
  } finally {
    stop.clear();
  }
}

interface Stop {
  readonly signal: AbortSignal;
  timedOut(): boolean;
  /** Seconds to hold the next request: never longer than what is left. */
  holdSeconds(): number;
  clear(): void;
}

function stopSignal(options: ResolutionOptions, hold: number): Stop {
  const own = new AbortController();
  const signal = options.signal === undefined ? own.signal : AbortSignal.any([options.signal, own.signal]);
  if (options.timeout === undefined) {
    return { signal, timedOut: () => false, holdSeconds: () => hold, clear: () => undefined };
  }
  const end = performance.now() + toMs(options.timeout);
  let timer: ReturnType<typeof setTimeout>;
  const arm = (): void => {
    // setTimeout overflows at 2^31 ms (24.8 days) and would fire at once.
    const left = Math.max(0, end - performance.now());
    timer = left > 2 ** 30 ? setTimeout(arm, 2 ** 30) : setTimeout(() => own.abort(), left);
  };
  arm();
  return {
    signal,
    timedOut: () => own.signal.aborted,
    holdSeconds: () => Math.max(0, Math.min(hold, Math.ceil((end - performance.now()) / 1_000))),
    clear: () => clearTimeout(timer),
  };
}

/** A reviewer asks for other arguments instead of saying yes or no. */
export interface ChangesRequested {
  readonly review: Review;
  /** The version that was looked at; what answers it names it. */
  readonly revision: number;
  /** The reviewer's words. */
  readonly comment: string;
}

/** Answers with the whole new arguments of the same tool; undefined: they come from elsewhere, or not at all. */
export type OnChangesRequested = (asked: ChangesRequested) => JsonObject | undefined | Promise<JsonObject | undefined>;

type Revise = (args: JsonObject, revision: number) => Promise<unknown>;

/** What a review that moved on meanwhile answers to a revision: it is looked at again, and that tells. */
const MOVED_ON: ReadonlySet<string> = new Set(['not_awaiting_revision', 'expired', 'already_resolved']);

/** Asks once for each revision, and sends the answer until it has counted. */
function answerChanges(ask: OnChangesRequested, revise: Revise): (review: Review) => Promise<void> {
  let asked = 0;
  let unsent: JsonObject | undefined;
  return async (review) => {
    const { status, revision, feedback } = review;
    if (status !== 'changes_requested') return;
    if (revision > asked) {
      unsent = await ask({ review, revision, comment: feedback?.comment ?? '' });
      asked = revision;
    }
    if (unsent === undefined) return;
    try {
      await revise(unsent, revision);
      unsent = undefined;
    } catch (error) {
      if (!(error instanceof HoldpointError)) throw error;
      if (MOVED_ON.has(error.code)) unsent = undefined;
      else if (!error.retryable) throw error;
    }
  };
}

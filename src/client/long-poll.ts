import type { Review } from '../contract/review.ts';
import { answerChanges, type Revise } from './changes.ts';
import { toMs } from './duration.ts';
import { HoldpointError, ResolutionTimeoutError } from './errors.ts';
import { isFinal, toResolution, type Resolution } from './resolution.ts';
import type { ResolutionOptions } from './review-handle.ts';
import { sleep } from './retry.ts';

/** Longest hold of one request, in seconds. */
const HOLD = 30;
/** The same where somebody listens for requests for changes, which let go of no held request. */
const LISTENING_HOLD = 5;
/** Longest wait between two failed requests, in ms. */
const MAX_PAUSE = 10_000;
/** Shortest time between two answered requests, in ms. */
const MIN_PERIOD = 250;

type Fetch = (options: { readonly waitSeconds: number; readonly signal: AbortSignal }) => Promise<Review>;

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

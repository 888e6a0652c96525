import type { ExecuteRequest } from '../../contract/execute.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { Review } from '../../contract/review.ts';
import { isFinal } from '../../domain/lifecycle.ts';
import { StorageError } from '../../ports/store.ts';
import type { ServiceContext } from './context.ts';
import { watchReview, type ReviewWatch } from './hub.ts';
import type { ExecuteOptions } from './types.ts';

/** How long a proposal is held, in ms. */
const CLASSIFIED_WITHIN = 2_000;
/** Longest that the answer waits for evidence after that; people are asked in any case. */
const PREVIEWED_WITHIN = 2_000;
export const FREE_RESULT_WITHIN = 30_000;

/**
 * Holds the answer as long as the gate of the call allows. Undefined: not classified in time. `watching` was opened
 * before the start; a call that was proposed before is listened to from now on.
 */
export async function waitForOutcome(
  context: ServiceContext,
  watching: ReviewWatch | undefined,
  reviewId: ReviewId,
  request: ExecuteRequest,
  { signal }: ExecuteOptions,
  onClassified: () => void,
): Promise<Review | undefined> {
  let last: Review | undefined;
  let watch = watching;
  try {
    watch ??= await watchReview(context, reviewId);
    const classified = await watch.until((s) => s !== undefined, CLASSIFIED_WITHIN, signal);
    last = classified?.review;
    onClassified();
    if (last !== undefined && isBeingPreviewed(last)) {
      // What the target itself says of the call may block it.
      const previewed = await watch.until(
        (s) => s !== undefined && !isBeingPreviewed(s.review),
        PREVIEWED_WITHIN,
        signal,
      );
      last = previewed?.review ?? last;
    }
    if (last === undefined || isFinal(last)) return last;
    const hold = last.gate === 'hard' ? (request.waitSeconds ?? 0) * 1_000 : FREE_RESULT_WITHIN;
    if (hold === 0) return last;
    const ended = await watch.until((s) => s !== undefined && isFinal(s.review), hold, signal);
    return ended?.review ?? last;
  } catch (error) {
    // The review exists by now: a failed read must not look as if nothing had been proposed.
    if (!(error instanceof StorageError)) throw error;
    context.log.warn({ reviewId, code: error.code }, 'answering without waiting: storage does not answer');
    return last;
  } finally {
    watch?.close();
  }
}

/** Its digest is known only with its evidence. */
function isBeingPreviewed({ status, call }: Review): boolean {
  return status === 'pending' && call.digest === null;
}

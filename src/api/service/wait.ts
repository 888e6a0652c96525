import type { ReviewId } from '../../contract/ids.ts';
import type { Store, StoredReview } from '../../contract/store.ts';
import { Waker, type TailHub } from './hub.ts';

/**
 * Reads a review until it is as wanted, again whenever an entry of it arrives. Resolves with the state as it stands
 * when the time is over or `signal` is aborted: running out of time is not an error.
 */
export async function waitUntil(
  sources: { readonly store: Store; readonly hub: TailHub },
  reviewId: ReviewId,
  wanted: (stored: StoredReview | undefined) => boolean,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<StoredReview | undefined> {
  const { store, hub } = sources;
  const endsAt = performance.now() + timeoutMs;
  const waker = new Waker();
  await hub.start();
  // Listening before reading: an entry that lands in between wakes the first wait.
  const stop = hub.onReview(reviewId, ({ entry }) => {
    // Neither classifies a review nor ends it, which is all that anybody waits for.
    if (entry.type !== 'started' && entry.type !== 'notified') waker.wake();
  });
  try {
    let stored = await store.readReview(reviewId);
    while (!wanted(stored)) {
      const left = endsAt - performance.now();
      if (left <= 0 || (await waker.next(left, signal)) !== 'woken') return stored;
      stored = await store.readReview(reviewId);
    }
    return stored;
  } finally {
    stop();
  }
}

import type { ReviewId } from '../../contract/ids.ts';
import type { Store, StoredReview } from '../../ports/store.ts';
import { Waker, type TailHub } from './hub.ts';

interface Sources {
  readonly store: Store;
  readonly hub: TailHub;
}

type Wanted = (stored: StoredReview | undefined) => boolean;

/** A review that somebody listens to. */
export interface ReviewWatch {
  /**
   * Reads it until it is as wanted, again whenever an entry of it arrives. Resolves with the state as it stands when the
   * time is over or `signal` is aborted: running out of time is not an error.
   */
  until(wanted: Wanted, timeoutMs: number, signal: AbortSignal): Promise<StoredReview | undefined>;
  close(): void;
}

/**
 * Listens to a review from now on: an entry that lands before the first look wakes the first wait. `isNew`: nobody has
 * proposed it yet, so there is nothing to look at before its first entry.
 */
export async function watchReview({ store, hub }: Sources, reviewId: ReviewId, isNew = false): Promise<ReviewWatch> {
  const waker = new Waker();
  let isThere = !isNew;
  await hub.start();
  const close = hub.onReview(reviewId, ({ entry }) => {
    // Neither classifies a review nor ends it, which is all that anybody waits for.
    if (entry.type !== 'started' && entry.type !== 'notified') waker.wake();
  });
  const read = async (): Promise<StoredReview | undefined> => {
    const stored = await store.readReview(reviewId);
    isThere = stored !== undefined;
    return stored;
  };
  return {
    until: async (wanted, timeoutMs, signal) => {
      const endsAt = performance.now() + timeoutMs;
      let stored = isThere ? await read() : undefined;
      while (!wanted(stored)) {
        const left = endsAt - performance.now();
        const isWoken = left > 0 && (await waker.next(left, signal)) === 'woken';
        // What no entry told of until the end is looked at once all the same.
        if (!isWoken) return isThere ? stored : read();
        stored = await read();
      }
      return stored;
    },
    close,
  };
}

export async function waitUntil(
  sources: Sources,
  reviewId: ReviewId,
  wanted: Wanted,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<StoredReview | undefined> {
  const watch = await watchReview(sources, reviewId);
  try {
    return await watch.until(wanted, timeoutMs, signal);
  } finally {
    watch.close();
  }
}

import { LRUCache } from 'lru-cache';
import type { StoredReview } from '../contract/store.ts';

const MAX_CHARACTERS = 16_000_000;

interface Found {
  readonly stored: StoredReview;
  /** In characters. */
  readonly size: number;
}

/** Reads of the reviews table, remembered until the review is written again. */
export interface ReviewCache {
  read(reviewId: string): Promise<StoredReview | undefined>;
  /** These have been written, or may have been. Called before anybody is told of it. */
  forget(reviewIds: Iterable<string>): void;
  clear(): void;
}

/**
 * For a database that this process alone writes (the embedded one): whoever waits for a review asks for it several times
 * between two changes of it. With other writers about, a cache would tell what was.
 */
export function cacheReviews(readReview: (reviewId: string) => Promise<Found | undefined>): ReviewCache {
  const kept = new LRUCache<string, StoredReview>({ maxSize: MAX_CHARACTERS });
  /** Reads under way that no write has overtaken; what an overtaken one finds is not kept. */
  const reading = new Map<string, Promise<StoredReview | undefined>>();

  function keep(reviewId: string, { stored, size }: Found): void {
    // Several will hold the same object now: a change by one of them must fail, not be seen by the others.
    kept.set(reviewId, freeze(stored), { size: Math.max(1, size) });
  }

  function fill(reviewId: string): Promise<StoredReview | undefined> {
    const answer: Promise<StoredReview | undefined> = readReview(reviewId)
      .then((found) => {
        const overtaken = reading.get(reviewId) !== answer;
        if (found !== undefined && !overtaken) keep(reviewId, found);
        return found?.stored;
      })
      .finally(() => {
        if (reading.get(reviewId) === answer) reading.delete(reviewId);
      });
    reading.set(reviewId, answer);
    return answer;
  }

  return {
    read: async (reviewId) => kept.get(reviewId) ?? (await (reading.get(reviewId) ?? fill(reviewId))),
    forget: (reviewIds) => {
      for (const reviewId of reviewIds) {
        kept.delete(reviewId);
        reading.delete(reviewId);
      }
    },
    clear: () => {
      kept.clear();
      reading.clear();
    },
  };
}

/** JSON, all the way down. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}

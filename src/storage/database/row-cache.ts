import { LRUCache } from 'lru-cache';

const MAX_CHARACTERS = 16_000_000;

export interface Found<T> {
  readonly value: T;
  /** In characters. */
  readonly size: number;
}

/** Reads of a table by review, remembered until the row is written again. */
export interface RowCache<T> {
  read(reviewId: string): Promise<T | undefined>;
  /** What is remembered of a row, without reading it. */
  peek(reviewId: string): Found<T> | undefined;
  /**
   * The row has been written, or may have been: `found` is how it stands now, undefined that it has to be read. Called
   * before anybody is told of it.
   */
  written(reviewId: string, found: Found<T> | undefined): void;
  clear(): void;
}

/**
 * For a database that this process alone writes (the embedded one): whoever waits for a review asks for it several times
 * between two changes of it. With other writers about, a cache would tell what was.
 */
export function cacheRows<T extends object>(readRow: (reviewId: string) => Promise<Found<T> | undefined>): RowCache<T> {
  const kept = new LRUCache<string, Found<T>>({ maxSize: MAX_CHARACTERS });
  /** Reads under way that no write has overtaken; what an overtaken one finds is not kept. */
  const reading = new Map<string, Promise<T | undefined>>();

  function keep(reviewId: string, found: Found<T>): void {
    // Several will hold the same object now: a change by one of them must fail, not be seen by the others.
    kept.set(reviewId, freeze(found), { size: Math.max(1, found.size) });
  }

  function fill(reviewId: string): Promise<T | undefined> {
    const answer: Promise<T | undefined> = readRow(reviewId)
      .then((found) => {
        const overtaken = reading.get(reviewId) !== answer;
        if (found !== undefined && !overtaken) keep(reviewId, found);
        return found?.value;
      })
      .finally(() => {
        if (reading.get(reviewId) === answer) reading.delete(reviewId);
      });
    reading.set(reviewId, answer);
    return answer;
  }

  return {
    read: async (reviewId) => kept.get(reviewId)?.value ?? (await (reading.get(reviewId) ?? fill(reviewId))),
    peek: (reviewId) => kept.peek(reviewId),
    written: (reviewId, found) => {
      reading.delete(reviewId);
      if (found === undefined) kept.delete(reviewId);
      else keep(reviewId, found);
    },
    clear: () => {
      kept.clear();
      reading.clear();
    },
  };
}

/** JSON, all the way down. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}

import { describe, expect, test } from 'vitest';
import type { StoredReview } from '../../src/contract/store.ts';
import { cacheReviews } from '../../src/storage/review-cache.ts';

/** A table whose reads end when they are told to. */
function table() {
  const waiting: ((found: { stored: StoredReview; size: number } | undefined) => void)[] = [];
  const cache = cacheReviews(() => new Promise((resolve) => waiting.push(resolve)));
  const version = (index: number) => ({ stored: { index, review: { status: 'pending' } } as StoredReview, size: 10 });
  return { cache, reads: () => waiting.length, answer: (n: number, index: number) => waiting[n]?.(version(index)) };
}

describe('reviews that were read', () => {
  test('are read once between two writes, also by several at once', async () => {
    const { cache, reads, answer } = table();
    const both = [cache.read('a'), cache.read('a')];
    answer(0, 1);
    expect((await Promise.all(both)).map((found) => found?.index)).toEqual([1, 1]);
    expect((await cache.read('a'))?.index).toBe(1);
    expect(reads()).toBe(1);
  });

  test('are read again after a write, and only the one that was written', async () => {
    const { cache, reads, answer } = table();
    for (const [n, id] of ['a', 'b'].entries()) {
      const read = cache.read(id);
      answer(n, 1);
      await read;
    }
    cache.forget(['a']);
    const again = cache.read('a');
    answer(2, 2);
    expect((await again)?.index).toBe(2);
    expect((await cache.read('b'))?.index).toBe(1);
    expect(reads()).toBe(3);
  });

  test('are not kept where a write overtook the read', async () => {
    const { cache, answer } = table();
    const old = cache.read('a');
    cache.forget(['a']);
    const current = cache.read('a');
    answer(1, 2);
    expect((await current)?.index).toBe(2);
    answer(0, 1);
    expect((await old)?.index).toBe(1);
    expect((await cache.read('a'))?.index).toBe(2);
  });

  test('a read that failed is tried again', async () => {
    let fails = true;
    const cache = cacheReviews(() =>
      fails
        ? Promise.reject(new Error('away'))
        : Promise.resolve({ stored: { index: 1 } as unknown as StoredReview, size: 1 }),
    );
    await expect(cache.read('a')).rejects.toThrow();
    fails = false;
    expect((await cache.read('a'))?.index).toBe(1);
  });

  test('cannot be changed by one of those who hold them', async () => {
    const { cache, answer } = table();
    const read = cache.read('a');
    answer(0, 1);
    const found = await read;
    await cache.read('a');
    expect(() => {
      if (found !== undefined) found.review.status = 'approved';
    }).toThrow(TypeError);
  });
});

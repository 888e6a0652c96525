import { describe, expect, test } from 'vitest';
import { cacheRows, type Found } from '../../src/storage/reviews/cached-reads.ts';

interface Row {
  index: number;
}

/** A table whose reads end when they are told to. */
function table() {
  const waiting: ((found: Found<Row> | undefined) => void)[] = [];
  const cache = cacheRows<Row>(() => new Promise((resolve) => waiting.push(resolve)));
  const version = (index: number) => ({ value: { index }, size: 10 });
  return { cache, reads: () => waiting.length, answer: (n: number, index: number) => waiting[n]?.(version(index)) };
}

describe('rows that were read', () => {
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
    cache.written('a', undefined);
    const again = cache.read('a');
    answer(2, 2);
    expect((await again)?.index).toBe(2);
    expect((await cache.read('b'))?.index).toBe(1);
    expect(reads()).toBe(3);
  });

  test('are not kept where a write overtook the read', async () => {
    const { cache, answer } = table();
    const old = cache.read('a');
    cache.written('a', undefined);
    const current = cache.read('a');
    answer(1, 2);
    expect((await current)?.index).toBe(2);
    answer(0, 1);
    expect((await old)?.index).toBe(1);
    expect((await cache.read('a'))?.index).toBe(2);
  });

  test('are not read where a write says how the row stands', async () => {
    const { cache, reads, answer } = table();
    cache.written('a', { value: { index: 1 }, size: 10 });
    expect((await cache.read('a'))?.index).toBe(1);
    expect(reads()).toBe(0);
    const old = cache.read('b');
    cache.written('b', { value: { index: 2 }, size: 10 });
    answer(0, 1);
    await old;
    expect((await cache.read('b'))?.index).toBe(2);
  });

  test('a read that failed is tried again', async () => {
    let fails = true;
    const cache = cacheRows(() =>
      fails ? Promise.reject(new Error('away')) : Promise.resolve({ value: { index: 1 }, size: 1 }),
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
      if (found !== undefined) found.index = 2;
    }).toThrow(TypeError);
  });
});

import { describe, expect, test } from 'vitest';
import { addSpan, coversAll, type Spans } from '../../src/dashboard/review/spans.ts';

const seen = (...parts: readonly (readonly [number, number])[]): Spans =>
  parts.reduce<Spans>((spans, [from, to]) => addSpan(spans, from, to), []);

describe('a piece that is higher than the screen', () => {
  test('was on screen once its parts were, in any order', () => {
    expect(coversAll(seen([0, 400], [400, 800], [800, 1_000]), 1_000)).toBe(true);
    expect(coversAll(seen([700, 1_000], [0, 400], [300, 750]), 1_000)).toBe(true);
  });

  test('was not where its end was jumped to', () => {
    expect(coversAll(seen([0, 400], [600, 1_000]), 1_000)).toBe(false);
    expect(coversAll(seen([0, 400], [100, 500]), 1_000)).toBe(false);
    expect(coversAll([], 1_000)).toBe(false);
  });

  test('parts that touch become one', () => {
    expect(seen([0, 10], [20, 30], [10, 20], [50, 60])).toEqual([
      [0, 30],
      [50, 60],
    ]);
  });
});

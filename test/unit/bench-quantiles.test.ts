import { expect, test } from 'vitest';
import { quantilesOf } from '../../bench/gate/measure.ts';

test.each([
  [[], 0, 0],
  [[7], 7, 7],
  [[3, 1], 2, 3],
  [[3, 1, 2], 2, 3],
  [[4, 1, 3, 2], 2.5, 4],
  [Array.from({ length: 100 }, (_, n) => n + 1), 50.5, 99],
  [Array.from({ length: 101 }, (_, n) => n), 50, 99],
])('of %j the median and the 99th percentile', (values, median, p99) =>
  expect(quantilesOf(values)).toEqual({ median, p99 }),
);

import { expect, test } from 'vitest';
import { formatCount, formatLeft, formatSpan } from '../../src/domain/text/time.ts';

test('spans are told in their two largest units', () => {
  expect([0, 999, 12_000, 245_000, 86_280_000, 273_600_000, 3_600_000, -5].map(formatSpan)).toEqual([
    '0 s',
    '0 s',
    '12 s',
    '4 min 5 s',
    '23 h 58 min',
    '3 d 4 h',
    '1 h',
    '0 s',
  ]);
});

test('time left is never negative', () => {
  const now = Date.parse('2026-04-01T12:00:00.000Z');
  expect(formatLeft('2026-04-01T12:00:30.000Z', now)).toBe('30 s');
  expect(formatLeft('2026-04-01T12:00:00.000Z', now)).toBe('over');
  expect(formatLeft(null, now)).toBe('none');
});

test('counts are grouped by three', () => {
  expect([0, 999, 1_000, 1_247, 1_234_567, -1_500, 0.5].map(formatCount)).toEqual([
    '0',
    '999',
    '1,000',
    '1,247',
    '1,234,567',
    '-1,500',
    '0.5',
  ]);
});

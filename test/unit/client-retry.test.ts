import { describe, expect, test, vi } from 'vitest';
import { toMs } from '../../src/client/options.ts';
import { parseProblem } from '../../src/client/errors.ts';
import { nextDelay, parseRetryAfter, retryPolicy, sleep } from '../../src/client/retry.ts';

describe('nextDelay', () => {
  const policy = retryPolicy({ retries: 3, maxDelay: 1_000 });

  test('doubles up to the ceiling and then gives up', () => {
    const waits = [0, 1, 2, 3].map((attempt) => nextDelay(attempt, undefined, policy, 1));
    expect(waits).toEqual([200, 400, 800, undefined]);
    expect(nextDelay(2, undefined, retryPolicy({ retries: 9, maxDelay: 500 }), 1)).toBe(500);
  });

  test('jitters over the upper half only, so that it never becomes a busy loop', () => {
    expect(nextDelay(0, undefined, policy, 0)).toBe(100);
  });

  test('never undercuts Retry-After, and gives up where it asks for more than the caller would wait', () => {
    expect(nextDelay(0, 1, policy, 0)).toBe(1_000);
    expect(nextDelay(0, 2, policy, 0)).toBeUndefined();
  });

  test('retries: 0 switches retries off', () => {
    expect(nextDelay(0, undefined, retryPolicy({ retries: 0 }), 1)).toBeUndefined();
  });
});

test('Retry-After is seconds or a date', () => {
  expect(parseRetryAfter('7', 0)).toBe(7);
  expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4_000)).toBe(6);
  expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 40_000)).toBe(0);
  expect(parseRetryAfter('Thu Jan  1 00:00:10 1970', 4_000)).toBe(6);
  expect(parseRetryAfter('1.5', 0)).toBe(1.5);
  for (const unreadable of ['soon', '-5', 'not before 2030']) {
    expect(parseRetryAfter(unreadable, 0)).toBeUndefined();
  }
  expect(parseRetryAfter(null, 0)).toBeUndefined();
});

test('durations: milliseconds or text; anything else is refused', () => {
  expect([250, '4s', '30m', '24h', '7d', '15ms'].map(toMs)).toEqual([250, 4e3, 18e5, 864e5, 6048e5, 15]);
  for (const bad of ['10', '10 m', '-4s', '', -1, Number.NaN, Infinity]) expect(() => toMs(bad)).toThrow(RangeError);
});

test('sleep never asks a timer for more than it can take', async () => {
  const timer = vi.spyOn(globalThis, 'setTimeout');
  const controller = new AbortController();
  const slept = sleep(2 ** 31, controller.signal);
  expect(timer.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1]);
  controller.abort(new Error('enough'));
  await expect(slept).rejects.toThrow();
  timer.mockRestore();
});

test('sleep ends early with the reason of its signal', async () => {
  const reason = new Error('enough');
  await expect(sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  const controller = new AbortController();
  const slept = sleep(60_000, controller.signal);
  controller.abort(reason);
  await expect(slept).rejects.toBe(reason);
});

describe('parseProblem', () => {
  test('keeps the stable code and says whether a retry can help', () => {
    const expired = parseProblem(409, JSON.stringify({ code: 'expired', title: 'The deadline has passed' }));
    expect(expired).toMatchObject({ code: 'expired', status: 409, retryable: false });
    const busy = parseProblem(503, JSON.stringify({ code: 'temporal_unavailable' }), 3);
    expect(busy).toMatchObject({ code: 'temporal_unavailable', retryable: true, retryAfter: 3 });
  });

  test('a body of somebody else is told apart', () => {
    expect(parseProblem(502, '<html>Bad gateway</html>')).toMatchObject({ code: 'unreadable_answer', retryable: true });
    expect(parseProblem(200, 'welcome')).toMatchObject({ code: 'unreadable_answer', retryable: false });
    expect(parseProblem(404, '[]')).toMatchObject({ code: 'unreadable_answer', retryable: false });
  });
});

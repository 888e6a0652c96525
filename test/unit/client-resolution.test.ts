import { describe, expect, test } from 'vitest';
import { EXECUTION_STATUSES, STATUSES, type Review } from '../../src/contract/review.ts';
import { isFinal as isFinalByTable } from '../../src/domain/lifecycle.ts';
import { isFinal, toResolution } from '../../src/client/resolution.ts';
import { aReview } from './client-fixtures.ts';

test('says the same as the lifecycle table about every pair of statuses', () => {
  for (const kind of ['call', 'in-flow'] as const) {
    for (const status of STATUSES) {
      for (const execution of EXECUTION_STATUSES) {
        const review = aReview({ kind, status, execution: { ...aReview().execution, status: execution } });
        expect([kind, status, execution, isFinal(review)]).toEqual([kind, status, execution, isFinalByTable(review)]);
      }
    }
  }
});

describe('toResolution', () => {
  const resolution = (change: Partial<NonNullable<Review['resolution']>>): NonNullable<Review['resolution']> => ({
    type: 'approve',
    by: 'ops-1',
    comment: null,
    edited: false,
    retryable: false,
    ...change,
  });
  const execution = (change: Partial<Review['execution']>): Review['execution'] => ({
    ...aReview().execution,
    ...change,
  });

  test('after an edit it carries what really ran', () => {
    const review = aReview({
      status: 'approved',
      call: { ...aReview().call, arguments: { sql: 'DELETE FROM users WHERE id = 7' } },
      resolution: resolution({ edited: true }),
      execution: execution({ status: 'executed', body: { rows: 1 } }),
    });
    expect(toResolution(review)).toMatchObject({
      executed: true,
      status: 'executed',
      edited: true,
      call: { arguments: { sql: 'DELETE FROM users WHERE id = 7' } },
      execution: { body: { rows: 1 } },
    });
  });

  test('after a rejection it carries the words and that asking again is of no use', () => {
    const review = aReview({
      status: 'rejected',
      reasonCodes: ['rejected'],
      resolution: resolution({ type: 'reject', comment: 'not in December' }),
    });
    expect(toResolution(review)).toMatchObject({
      executed: false,
      status: 'rejected',
      comment: 'not in December',
      retryable: false,
      reasonCodes: ['rejected'],
    });
  });

  test('an unknown outcome is neither success nor a plain failure', () => {
    const review = aReview({
      status: 'approved',
      resolution: resolution({}),
      execution: execution({ status: 'outcome_unknown', error: { code: 'lost_answer', message: 'no answer' } }),
    });
    expect(toResolution(review)).toMatchObject({
      executed: false,
      status: 'outcome_unknown',
      executionError: { code: 'lost_answer' },
    });
  });

  test('an in-flow answer is its response', () => {
    const review = aReview({
      kind: 'in-flow',
      status: 'approved',
      resolution: resolution({ type: 'respond', response: { budget: 3 } }),
    });
    expect(toResolution(review)).toMatchObject({ executed: false, status: 'approved', response: { budget: 3 } });
  });

  test('a review that goes on has none', () => {
    expect(() => toResolution(aReview({ status: 'pending' }))).toThrow(TypeError);
  });
});

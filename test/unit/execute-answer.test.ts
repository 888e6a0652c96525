import { expect, test } from 'vitest';
import { outcomeOf } from '../../src/api/service/outcome.ts';
import { executeResponseSchema } from '../../src/contract/execute.ts';
import { NOT_STARTED, type ExecutionView } from '../../src/contract/review.ts';
import { aReview } from './client-fixtures.ts';

const review = aReview();
const error = { code: 'upstream_rejected', message: 'no' };
const answerTo = (execution: Partial<ExecutionView>) => {
  const approved = aReview({ status: 'approved', execution: { ...NOT_STARTED, ...execution } });
  return outcomeOf(review.reviewId as `rev_${string}`, approved, '/v1/reviews/x');
};

test.each([
  ['EXECUTED', { status: 'executed' }],
  ['ERROR', { status: 'failed', error }],
  ['ERROR', { status: 'outcome_unknown', error }],
] as const)('%s %j after an edit carries the call that was let through, and otherwise none', (outcome, execution) => {
  const { service, tool, arguments: args } = review.call;
  const edited = answerTo({ ...execution, edited: true });
  expect(edited).toMatchObject({ outcome, call: { service, tool, arguments: args } });
  expect(executeResponseSchema.parse(edited)).toEqual(edited);
  expect(answerTo(execution)).not.toHaveProperty('call');
});

import { expect, test } from 'vitest';
import { outcomeOf } from '../../src/api/service/outcome.ts';
import { executeResponseSchema } from '../../src/contract/execute.ts';
import { NOT_STARTED, type ExecutionView } from '../../src/contract/review.ts';
import { viewForAgent } from '../../src/domain/show/agent-view.ts';
import { resultOf } from '../../src/mcp/result.ts';
import { outcomeOf as adapterOutcomeOf } from '../../src/client/adapters/outcome.ts';
import { toResolution } from '../../src/client/resolution.ts';
import { aReview, APPROVED_NOT_RUN, DEFERRED, STOPPED } from './client-fixtures.ts';

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

test('N1: a deferred call is not called running alone, and a model is told why it waits and to leave it', () => {
  const waiting = aReview(DEFERRED);
  const answer = outcomeOf(review.reviewId as `rev_${string}`, waiting, '/v1/reviews/x');
  expect(answer).toMatchObject({
    outcome: 'ESCALATE',
    reasonCodes: expect.arrayContaining(['still_executing', 'execution_deferred']),
  });
  const { structuredContent, content, isError } = resultOf(answer, waiting, 'https://h.example/reviews');
  expect(isError).toBeUndefined();
  expect(structuredContent).toMatchObject({
    outcome: 'PENDING',
    deferred: { message: expect.stringContaining('429'), retryAt: '2026-04-01T12:00:26.000Z' },
    next: { tool: 'holdpoint_await' },
  });
  expect(JSON.stringify(content)).toContain('Approved, but not done yet');
});

test.each([
  ['rate_exceeded', { limited: { perHour: 60, from: '2026-04-01T12:40:00.000Z' } }, 'not before 2026-04-01T12:40'],
  ['frozen', { frozen: { by: 'ops-1', why: 'an incident', at: null } }, 'frozen by ops-1: an incident'],
] as const)('an approved call that waits is told with its cause: %s', (code, execution, words) => {
  const waiting = aReview({ status: 'approved', execution: { ...NOT_STARTED, ...execution } });
  const answer = answerTo(execution);
  expect(answer).toMatchObject({ outcome: 'ESCALATE', reasonCodes: expect.arrayContaining([code]) });
  const told = resultOf(answer, waiting, 'https://h.example/reviews');
  expect(told.structuredContent).toMatchObject({ outcome: 'PENDING', waits: { code } });
  expect(JSON.stringify(told.content)).toContain(words);
});

test('a stopped call is told with the reviewer’s words, to programs and to models, and not as one that was tried', () => {
  const comment = 'the wrong table';
  const resolution = { type: 'approve', by: 'ops-1', comment: 'fine', edited: false, retryable: false } as const;
  const stopped = aReview({ ...STOPPED, resolution });
  expect(toResolution(stopped)).toMatchObject({ status: 'failed', comment });
  expect(adapterOutcomeOf(stopped)).toMatchObject({
    status: 'failed',
    comment,
    note: expect.stringContaining('do not'),
  });
  const answer = outcomeOf(review.reviewId as `rev_${string}`, stopped, '/v1/reviews/x');
  const { structuredContent, content } = resultOf(answer, stopped, 'https://h.example/reviews');
  expect(structuredContent).toMatchObject({ outcome: 'ERROR', error: { code: 'stopped' }, comment });
  expect(JSON.stringify(content)).toContain('a human stopped it');
});

test('a model is not told to wait for a decision that was made', () => {
  const running = aReview(APPROVED_NOT_RUN);
  const answer = outcomeOf(review.reviewId as `rev_${string}`, running, '/v1/reviews/x');
  const told = JSON.stringify(resultOf(answer, running, 'https://h.example/reviews').content);
  expect(told).not.toContain('waits for a human decision');
  expect(told).toContain('do not propose it again');
  expect(adapterOutcomeOf(running)).toMatchObject({ status: 'pending', note: expect.not.stringContaining('People') });
});

test.each(['drifted', 'pins_unreadable'])('K3: %s is told to the agent without what a preview found', (code) => {
  const told = { code, message: 'order 7 was 500' };
  const times = { at: '2026-04-01T12:00:06.000Z', retryAt: '2026-04-01T12:00:26.000Z', times: 1 };
  const execution = { ...NOT_STARTED, error: told, deferred: { ...told, ...times } };
  const seen = viewForAgent(aReview({ execution })).execution;
  expect(JSON.stringify(seen)).not.toContain('order 7');
  expect(seen).toMatchObject({ error: { code }, deferred: { code, ...times } });
});

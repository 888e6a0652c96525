import { afterAll, beforeAll, expect, test } from 'vitest';
import { awaitOutcome, propose } from '../../src/client/adapters/gate.ts';
import { Holdpoint } from '../../src/client/index.ts';
import { CREATE, GET, makeHarness, type Harness } from './support/harness.ts';

// What every adapter does with a tool call that is proposed again by a program that has changed since.
let api: Harness;
beforeAll(async () => {
  api = await makeHarness();
});
afterAll(() => api.close());

const client = () => new Holdpoint({ url: api.url, apiKey: api.credential('agent-1') });
let keys = 0;
async function first(call = CREATE) {
  const idempotencyKey = `tool-call-${(keys += 1)}`;
  const outcome = await propose(client(), { ...call, reason: 'Due' }, { idempotencyKey });
  if (outcome.status !== 'pending') throw new Error(outcome.status);
  await api.gate.settled(outcome.reviewId as `rev_${string}`);
  const review = (await api.get(`/v1/reviews/${outcome.reviewId}`, 'ops-1')).body;
  return { idempotencyKey, reviewId: outcome.reviewId, digest: review.call.digest as string };
}

test('with another reason or context, and arguments in another order, it meets its own review', async () => {
  const { idempotencyKey, reviewId, digest } = await first();
  const { account, amount } = CREATE.arguments;
  const again = { ...CREATE, arguments: { amount, account }, reason: 'Other words', context: { env: 'test' } };
  expect(await propose(client(), again, { idempotencyKey })).toMatchObject({ status: 'pending', reviewId });
  await api.decide(reviewId, digest, { type: 'reject', comment: 'no' });
  expect(await propose(client(), again, { idempotencyKey })).toMatchObject({
    status: 'rejected',
    reviewId,
    comment: 'no',
    retryable: false,
  });
});

test.each([
  ['other arguments', { ...CREATE, arguments: { ...CREATE.arguments, amount: 101 } }],
  ['one argument more', { ...CREATE, arguments: { ...CREATE.arguments, note: 'x' } }],
  ['another tool', { ...CREATE, tool: 'payouts.get', arguments: CREATE.arguments }],
])('with %s the key is another call’s: nothing is proposed and no answer is made up', async (_what, call) => {
  const { idempotencyKey } = await first();
  expect(await propose(client(), call, { idempotencyKey })).toMatchObject({
    status: 'proposed_differently',
    retryable: false,
  });
});

test('once a reviewer has edited it, what was proposed cannot be compared', async () => {
  const { idempotencyKey, reviewId, digest } = await first();
  await api.decide(reviewId, digest, { type: 'edit', arguments: { ...CREATE.arguments, amount: 7 } });
  const again = { ...CREATE, arguments: { ...CREATE.arguments, amount: 7 }, reason: 'Other words' };
  expect(await propose(client(), again, { idempotencyKey })).toMatchObject({ status: 'proposed_differently' });
});

test('K2: what the target said with a failure reaches the model, at once and after a yes', async () => {
  const body = { error: { message: 'No such account' }, id: { $number: '1234567890123456789' } };
  const message = 'The target answered 404';
  api.gate.executes = true;
  api.answer(() => ({ status: 'failed', code: 'upstream_rejected', message, body }));
  const failed = { status: 'failed', error: { message }, result: { ...body, id: '1234567890123456789' } };
  expect(await propose(client(), GET)).toMatchObject(failed);
  const { reviewId, digest } = await first({ ...CREATE, arguments: { account: 'gone', amount: 1 } });
  await api.decide(reviewId, digest);
  expect(await awaitOutcome(client(), reviewId, { wait: '10s' })).toMatchObject(failed);
});

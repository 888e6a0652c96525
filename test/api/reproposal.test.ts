import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { CREATE, makeHarness, type Harness } from './support/harness.ts';

const ATTACHING = { ...ONE_OF_OPS, reproposal: 'attach' } as const;

let api: Harness;
beforeAll(async () => {
  api = await makeHarness();
});
beforeEach(() => api.settings.setPolicy({ approval: ATTACHING }));
afterAll(() => api.close());

let calls = 0;
/** A call that no other test proposes. */
const newCall = () => ({ arguments: { account: `again-${(calls += 1)}`, amount: 100 } });

async function rejected(request: Record<string, unknown>) {
  const review = await api.propose(request);
  const decision = await api.decide(review.reviewId, review.call.digest, { type: 'reject', comment: 'too much' });
  expect(decision.status).toBe(200);
  return review;
}

describe('the same call again, after a rejection', () => {
  test('is answered with the rejection: the review, the reviewer’s words, not retryable', async () => {
    const call = newCall();
    const review = await rejected(call);
    for (const headers of [{}, { 'idempotency-key': 'another' }, { 'idempotency-key': 'another' }]) {
      const again = await api.execute({ ...call, reason: 'please', threadId: 'another' }, 'agent-1', headers);
      expect(again).toMatchObject({
        status: 403,
        body: {
          outcome: 'BLOCKED',
          reviewId: review.reviewId,
          comment: 'too much',
          retryable: false,
          reasonCodes: expect.arrayContaining(['rejected']),
        },
      });
    }
    const waiting = await api.get('/v1/reviews?status=pending&limit=200', 'ops-1');
    expect(waiting.body.reviews.map(({ summary }: { summary: string }) => summary).join()).not.toContain(
      call.arguments.account,
    );
  });

  test('inside a batch too, without its siblings', async () => {
    const call = newCall();
    const review = await rejected(call);
    const batch = await api.post(
      '/v1/execute/batch',
      {
        calls: [
          { ...CREATE, ...call },
          { ...CREATE, ...newCall() },
        ],
      },
      'agent-1',
    );
    expect(batch.body.results).toMatchObject([
      { httpStatus: 403, reviewId: review.reviewId },
      { httpStatus: 202, outcome: 'ESCALATE' },
    ]);
  });

  test('one byte or another context makes another call, and another agent is another proposer', async () => {
    const call = newCall();
    await rejected(call);
    const others = [
      await api.execute({ arguments: { ...call.arguments, amount: 101 } }),
      await api.execute({ ...call, context: { env: 'staging' } }),
      await api.execute(call, 'agent-2'),
    ];
    expect(others.map(({ status }) => status)).toEqual([202, 202, 202]);
  });

  test('waits for people again an hour later, and at once where policy says ask', async () => {
    const call = newCall();
    await rejected(call);
    api.settings.setPolicy({ approval: ONE_OF_OPS });
    expect((await api.execute(call)).status).toBe(202);
    api.settings.setPolicy({ approval: ATTACHING });
    expect((await api.execute(call)).status).toBe(403);
    api.clock.advance(3_600_000);
    expect((await api.execute(call)).status).toBe(202);
  });

  test('the hour counts from the rejection, not from the proposal', async () => {
    const call = newCall();
    const review = await api.propose(call);
    api.clock.advance(50 * 60_000);
    await api.decide(review.reviewId, review.call.digest, { type: 'reject', comment: 'too much' });
    api.clock.advance(50 * 60_000);
    expect((await api.execute(call)).body.reviewId).toBe(review.reviewId);
    api.clock.advance(10 * 60_000);
    expect((await api.execute(call)).status).toBe(202);
  });

  test('nothing but a person’s no counts: an approval, a withdrawal or a pending review does not', async () => {
    const call = newCall();
    const first = await api.propose(call);
    const second = await api.execute(call);
    expect(second.status).toBe(202);
    expect(second.body.reviewId).not.toBe(first.reviewId);
    await api.post(`/v1/reviews/${first.reviewId}/withdraw`, {}, 'agent-1');
    await api.decide(
      second.body.reviewId,
      (await api.get(`/v1/reviews/${second.body.reviewId}`, 'ops-1')).body.call.digest,
    );
    expect((await api.execute(call)).status).toBe(202);
  });

  test('what was revised in vain counts as well', async () => {
    const call = newCall();
    const review = await api.propose(call);
    await api.decide(review.reviewId, review.call.digest, { type: 'revise', comment: 'less' });
    const less = { arguments: { ...call.arguments, amount: 50 } };
    await api.post(`/v1/reviews/${review.reviewId}/revision`, less, 'agent-1');
    const shown = (await api.get(`/v1/reviews/${review.reviewId}`, 'ops-1')).body;
    expect(shown).toMatchObject({ status: 'pending', revision: 2 });
    await api.decide(review.reviewId, shown.call.digest, { type: 'reject', comment: 'not that either' });
    expect(await api.execute(less)).toMatchObject({ status: 403, body: { reviewId: review.reviewId } });
  });

  test('a call with a sealed value is known by what was sealed', async () => {
    const wire = { tool: 'payouts.wire', arguments: { amount: 5, memo: 'for the rent' } };
    const review = await rejected(wire);
    expect((await api.execute(wire)).body.reviewId).toBe(review.reviewId);
    expect((await api.execute({ ...wire, arguments: { amount: 5, memo: 'for the tent' } })).status).toBe(202);
  });
});

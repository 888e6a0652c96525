import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { codeOf, CREATE, makeHarness, type AnyJson, type Harness, type Reply } from './support/harness.ts';

const ATTACH = { ...ONE_OF_OPS, reproposal: 'attach' } as const;

let api: Harness;
beforeAll(async () => {
  api = await makeHarness();
});
beforeEach(() => {
  api.settings.setPolicy({ approval: ONE_OF_OPS });
  // What other tests tried is an hour ago.
  api.clock.advance(2 * 3_600_000);
});
afterAll(() => api.close());

let calls = 0;
/** A call that no other test proposes. */
const newCall = () => ({ arguments: { account: `related-${(calls += 1)}`, amount: 500 }, context: {} });
async function propose(request: object, as?: string): Promise<AnyJson> {
  // Ids of one millisecond have no order.
  api.clock.advance(1);
  return api.propose(request as Record<string, unknown>, as);
}
const read = async (reviewId: string, as = 'ops-1'): Promise<AnyJson> =>
  (await api.get(`/v1/reviews/${reviewId}`, as)).body;
const relatedOf = async (reviewId: string) =>
  ((await read(reviewId)).related ?? []).map((one: AnyJson) => [one.reviewId, one.relation, one.mustConfirm]);
async function run(review: AnyJson, more: Record<string, unknown> = {}): Promise<Reply> {
  const decided = await api.decide(review.reviewId, review.call.digest, more);
  await api.gate.settled(review.reviewId);
  return decided;
}

describe('where people are asked about an equal call again', () => {
  test('I1: each review names the other, and a yes to the second takes the words that twice is meant', async () => {
    const call = newCall();
    const [first, second] = [await propose(call), await propose(call)];
    expect(second.reviewId).not.toBe(first.reviewId);
    expect(await relatedOf(first.reviewId)).toEqual([[second.reviewId, 'equal', false]]);
    expect(await relatedOf(second.reviewId)).toEqual([[first.reviewId, 'equal', true]]);
    expect(codeOf(await run(second))).toBe('repeat_not_confirmed');
    expect((await run(first)).status).toBe(200);
    const refused = await run(second);
    expect(refused).toMatchObject({ status: 422, body: { code: 'repeat_not_confirmed', repeats: [first.reviewId] } });
    expect((await read(second.reviewId)).status).toBe('pending');
    expect((await run(second, { repeats: [first.reviewId] })).status).toBe(200);
    expect((await read(second.reviewId)).execution.status).toBe('executed');
  });

  test('I1: of two that are approved at the same moment one is refused', async () => {
    const call = newCall();
    const pair = [await propose(call), await propose(call)];
    const answers = await Promise.all(pair.map((review) => run(review)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 422]));
  });

  test('several decisions in one request are asked the same, and told which calls are equal', async () => {
    const call = newCall();
    const [first, second] = [await propose(call), await propose(call)];
    const decisions = [first, second].map(({ reviewId, call: { digest } }) => ({ reviewId, type: 'approve', digest }));
    const { body } = await api.post('/v1/decisions', { decisions }, 'ops-1');
    expect(body.results).toMatchObject([
      { httpStatus: 200 },
      { httpStatus: 422, code: 'repeat_not_confirmed', repeats: [first.reviewId] },
    ]);
  });

  test('an edit that makes it equal to one that ran takes them too; one that makes it another call does not', async () => {
    const call = newCall();
    const less = { ...call, arguments: { ...call.arguments, amount: 300 } };
    const ran = await propose(less);
    await run(ran);
    const review = await propose(call);
    const edit = (amount: number, more: Record<string, unknown> = {}) =>
      run(review, { type: 'edit', arguments: { ...call.arguments, amount }, ...more });
    expect(await edit(300)).toMatchObject({ status: 422, body: { repeats: [ran.reviewId] } });
    expect((await edit(301)).status).toBe(200);
    const again = await propose(call);
    expect(await edit(300, { repeats: [ran.reviewId] })).toMatchObject({ status: 409 });
    expect((await run(again, { type: 'edit', arguments: less.arguments, repeats: [ran.reviewId] })).status).toBe(200);
  });

  test('also where equal calls attach: one that ran is no longer waiting', async () => {
    api.settings.setPolicy({ approval: ATTACH });
    const call = newCall();
    const first = await propose(call);
    await run(first);
    const second = await propose(call);
    expect(await run(second)).toMatchObject({ status: 422, body: { repeats: [first.reviewId] } });
    // An hour later it is no news.
    await api.post(`/v1/reviews/${second.reviewId}/withdraw`, {}, 'agent-1');
    api.clock.advance(3_600_001);
    const third = await propose(call);
    expect(await relatedOf(third.reviewId)).toEqual([]);
    expect((await run(third)).status).toBe(200);
  });

  test('a call that failed, was rejected or withdrawn is not made twice', async () => {
    const call = newCall();
    const first = await propose(call);
    await api.decide(first.reviewId, first.call.digest, { type: 'reject', comment: 'no' });
    const second = await propose(call);
    await api.post(`/v1/reviews/${second.reviewId}/withdraw`, {}, 'agent-1');
    expect((await run(await propose(call))).status).toBe(200);
  });

  test('only a yes names what it repeats', async () => {
    const review = await propose(newCall());
    const rejected = await api.decide(review.reviewId, review.call.digest, {
      type: 'reject',
      comment: 'no',
      repeats: [],
    });
    expect(codeOf(rejected)).toBe('invalid_request');
  });
});

describe('what the same agent tried with the same tool in the last hour', () => {
  test('I5: proposed, edited, executed, and proposed again: the new review says as what it ran, and by whom', async () => {
    api.settings.setPolicy({ approval: ATTACH });
    const call = newCall();
    const first = await propose(call);
    await run(first, { type: 'edit', arguments: { ...call.arguments, amount: 300 } });
    api.clock.advance(60_000);
    const again = await propose(call);
    expect(again.reviewId).not.toBe(first.reviewId);
    expect((await read(again.reviewId)).related).toMatchObject([
      {
        reviewId: first.reviewId,
        relation: 'earlier',
        executionStatus: 'executed',
        editedBy: 'ops-1',
        proposedAsThis: true,
        summary: expect.stringContaining('"amount":300'),
        mustConfirm: false,
      },
    ]);
  });

  test('I6: rejected, and proposed again with other arguments or in another context: the new review names the rejection', async () => {
    api.settings.setPolicy({ approval: ATTACH });
    const call = newCall();
    const first = await propose(call);
    await api.decide(first.reviewId, first.call.digest, { type: 'reject', comment: 'no' });
    for (const other of [
      { ...call, context: { env: 'staging' } },
      { ...call, arguments: { ...call.arguments, amount: 499 } },
    ]) {
      const again = await propose(other);
      expect((await read(again.reviewId)).related).toContainEqual(
        expect.objectContaining({
          reviewId: first.reviewId,
          relation: 'earlier',
          status: 'rejected',
          decidedBy: 'ops-1',
        }),
      );
    }
  });

  test('is never told to agents, wherever they read', async () => {
    const call = newCall();
    const first = await propose(call);
    await api.decide(first.reviewId, first.call.digest, { type: 'reject', comment: 'no' });
    api.clock.advance(1);
    const again = await api.execute(call);
    const own = [
      again.body,
      await read(again.body.reviewId, 'agent-1'),
      (await api.get('/v1/reviews?limit=200', 'agent-1')).body.reviews.find(
        ({ reviewId }: AnyJson) => reviewId === again.body.reviewId,
      ),
    ];
    expect(await relatedOf(again.body.reviewId)).toHaveLength(1);
    expect(JSON.stringify(own)).not.toContain(first.reviewId);
  });

  test('of another agent or tool is not told', async () => {
    const call = newCall();
    const first = await propose(call);
    await api.decide(first.reviewId, first.call.digest, { type: 'reject', comment: 'no' });
    const others = [
      await propose(call, 'agent-2'),
      await propose({ ...CREATE, tool: 'payouts.close', arguments: { id: 'x' } }),
    ];
    for (const { reviewId } of others) expect(await relatedOf(reviewId)).toEqual([]);
  });
});

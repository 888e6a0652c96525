import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createStore } from '../../src/storage/store.ts';
import { startPostgres } from '../support/postgres.ts';
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
const newCall = () => ({ arguments: { account: `again-${(calls += 1)}`, amount: 100 }, context: {} });

async function rejected(request: Record<string, unknown>) {
  const review = await api.propose(request);
  const decision = await api.decide(review.reviewId, review.call.digest, { type: 'reject', comment: 'too much' });
  expect(decision.status).toBe(200);
  return review;
}

const attached = (reviewId: string) => ({ status: 202, body: { outcome: 'ESCALATE', reviewId, attached: true } });

describe('the same call again, while people are asked about it', () => {
  test('I1: attaches to the review that waits: one review, its deadline as it was, and one execution', async () => {
    const call = newCall();
    const review = await api.propose(call);
    api.clock.advance(60_000);
    const again = await api.execute({ ...call, reason: 'please', group: 'another' });
    expect(again).toMatchObject(attached(review.reviewId));
    expect(again.body.expiresAt).toBe(review.expiresAt);
    expect((await api.decide(review.reviewId, review.call.digest)).status).toBe(200);
    const listed = await api.get('/v1/reviews?limit=200', 'ops-1');
    const own = listed.body.reviews.filter(({ summary }: { summary: string }) =>
      summary.includes(call.arguments.account),
    );
    expect(own).toHaveLength(1);
  });

  test('the first answer does not say so, and an agent that waits is held for the decision', async () => {
    const call = newCall();
    const first = await api.execute(call);
    expect(first.body).not.toHaveProperty('attached');
    const held = api.execute({ ...call, waitSeconds: 20 });
    const review = (await api.get(`/v1/reviews/${first.body.reviewId}`, 'ops-1')).body;
    await api.decide(review.reviewId, review.call.digest);
    expect(await held).toMatchObject({ status: 200, body: { outcome: 'EXECUTED', attached: true } });
  });

  test('I1: equal calls at once end in one review, and one of them began it', async () => {
    const call = newCall();
    const answers = await Promise.all(Array.from({ length: 12 }, () => api.execute(call)));
    expect(new Set(answers.map(({ body }) => body.reviewId)).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(answers.filter(({ body }) => body.attached !== true)).toHaveLength(1);
  });

  test('binds an idempotency key to it: the same key and body go on naming that review, also once it has ended', async () => {
    const call = newCall();
    const review = await api.propose(call);
    const key = { 'idempotency-key': `attached-${review.reviewId}` };
    expect(await api.execute(call, 'agent-1', key)).toMatchObject(attached(review.reviewId));
    await api.decide(review.reviewId, review.call.digest);
    await api.gate.settled(review.reviewId);
    expect(await api.execute(call, 'agent-1', key)).toMatchObject({
      status: 200,
      body: { outcome: 'EXECUTED', reviewId: review.reviewId, attached: true },
    });
    expect(await api.execute(newCall(), 'agent-1', key)).toMatchObject({ status: 422 });
  });

  test('where changes are requested the answer is that review, with the feedback', async () => {
    const call = newCall();
    const review = await api.propose(call);
    await api.decide(review.reviewId, review.call.digest, { type: 'revise', comment: 'less' });
    const again = await api.execute(call);
    expect(again).toMatchObject(attached(review.reviewId));
    expect(again.body.feedback).toMatchObject({ by: 'ops-1', comment: 'less' });
    const less = { arguments: { ...call.arguments, amount: 50 } };
    await api.post(`/v1/reviews/${review.reviewId}/revision`, less, 'agent-1');
    expect(await api.execute(less)).toMatchObject(attached(review.reviewId));
    const original = await api.execute(call);
    expect(original.body).not.toHaveProperty('attached');
  });

  test('an edit is the call that waits then, not what was proposed', async () => {
    api.settings.setPolicy({
      approval: { ...ATTACHING, levels: [...ATTACHING.levels, { name: 'second', approvers: ['finance'], quorum: 1 }] },
    });
    const call = newCall();
    const review = await api.propose(call);
    const edited = { account: call.arguments.account, amount: 30 };
    await api.decide(review.reviewId, review.call.digest, { type: 'edit', arguments: edited });
    expect(await api.execute({ arguments: edited })).toMatchObject(attached(review.reviewId));
    expect((await api.execute(call)).body).not.toHaveProperty('attached');
  });

  test.each([
    ['another thread', { threadId: 'another' }],
    ['another context', { context: { env: 'staging' } }],
    ['another callback', { callback: 'https://agents.example.com/holdpoint/other' }],
  ])('%s makes another review', async (_name, other) => {
    const call = newCall();
    await api.propose(call);
    const again = await api.execute({ ...call, ...other });
    expect(again.status).toBe(202);
    expect(again.body).not.toHaveProperty('attached');
  });

  test('so does another agent, and a policy that would hold it by another approval now, or not at all', async () => {
    const call = newCall();
    const review = await api.propose(call);
    const begun = async (as = 'agent-1') => (await api.execute(call, as)).body;
    expect(await begun('agent-2')).not.toHaveProperty('attached');
    api.settings.setPolicy({ approval: { ...ATTACHING, levels: [{ name: 'two', approvers: ['ops'], quorum: 2 }] } });
    const stricter = await begun();
    expect(stricter).not.toHaveProperty('attached');
    expect(stricter.reviewId).not.toBe(review.reviewId);
    api.settings.setPolicy({ approval: { ...ATTACHING, reproposal: 'ask' } });
    expect(await begun()).not.toHaveProperty('attached');
  });

  test('two equal calls in one batch are two, each attached to one that waits where there is one', async () => {
    const call = { ...CREATE, ...newCall() };
    const batch = async () =>
      (await api.post('/v1/execute/batch', { calls: [call, call] }, 'agent-1')).body.results as {
        reviewId: string;
        attached?: true;
      }[];
    const [first, second] = await batch();
    expect(first?.reviewId).not.toBe(second?.reviewId);
    const again = await batch();
    expect(again.map((result) => result.attached)).toEqual([true, true]);
    expect(new Set(again.map(({ reviewId }) => reviewId))).toEqual(new Set([first?.reviewId, second?.reviewId]));
  });

  test('a first start that failed loses nothing: the same call again starts it', async () => {
    const call = newCall();
    api.gate.mode = 'down';
    expect((await api.execute(call)).status).toBe(503);
    api.gate.mode = 'working';
    const again = await api.execute(call);
    expect(again.status).toBe(202);
    expect(again.body).not.toHaveProperty('attached');
    expect(await api.execute(call)).toMatchObject(attached(again.body.reviewId));
  });

  test('a call that races with the decision attaches to what was pending or begins another review', async () => {
    for (let round = 0; round < 8; round += 1) {
      const call = newCall();
      const review = await api.propose(call);
      const [decided, again] = await Promise.all([
        api.decide(review.reviewId, review.call.digest),
        api.execute({ ...call, waitSeconds: 0 }),
      ]);
      expect(decided.status).toBe(200);
      const shown = await api.get(`/v1/reviews/${again.body.reviewId}`, 'ops-1');
      expect(shown.status).toBe(200);
      expect(again.body.attached === true).toBe(again.body.reviewId === review.reviewId);
    }
  });
});

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
          attached: true,
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

  test('nothing but a person’s no counts: an approval or a withdrawal does not', async () => {
    const call = newCall();
    const first = await api.propose(call);
    await api.post(`/v1/reviews/${first.reviewId}/withdraw`, {}, 'agent-1');
    const second = await api.propose(call);
    await api.decide(second.reviewId, second.call.digest);
    const third = await api.execute(call);
    expect(third.status).toBe(202);
    expect(new Set([first.reviewId, second.reviewId, third.body.reviewId]).size).toBe(3);
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
    const wire = { tool: 'payouts.wire', arguments: { amount: 5, memo: 'for the rent' }, context: {} };
    const review = await rejected(wire);
    expect((await api.execute(wire)).body.reviewId).toBe(review.reviewId);
    expect((await api.execute({ ...wire, arguments: { amount: 5, memo: 'for the tent' } })).status).toBe(202);
  });
});

test('I1: over a PostgreSQL server equal calls at once end in one review, and another one begins after its end', async () => {
  const server = await startPostgres();
  const store = await createStore({ databaseUrl: server.url(await server.createDatabase()) });
  const over = await makeHarness({ store, policy: { approval: ATTACHING } });
  try {
    for (let round = 0; round < 4; round += 1) {
      const call = newCall();
      const answers = await Promise.all(Array.from({ length: 16 }, () => over.execute(call)));
      const ids = new Set(answers.map(({ body }) => body.reviewId));
      expect(ids.size).toBe(1);
      expect(answers.filter(({ body }) => body.attached !== true)).toHaveLength(1);
      const [reviewId] = [...ids];
      await over.gate.settled(reviewId);
      const review = (await over.get(`/v1/reviews/${reviewId}`, 'ops-1')).body;
      const [decided, ...racing] = await Promise.all([
        over.decide(reviewId, review.call.digest),
        ...Array.from({ length: 8 }, () => over.execute(call)),
      ]);
      expect(decided?.status).toBe(200);
      const others = new Set(racing.map(({ body }) => body.reviewId));
      others.delete(reviewId);
      expect(others.size).toBeLessThanOrEqual(1);
      for (const { body } of racing) expect((await over.get(`/v1/reviews/${body.reviewId}`, 'ops-1')).status).toBe(200);
    }
  } finally {
    await over.close();
    await store.close();
    server.stop();
  }
});

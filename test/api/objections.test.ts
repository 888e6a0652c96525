import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stopObjectedCalls } from '../../src/activities/objection-sweeps.ts';
import { digestBytes } from '../../src/domain/proof/digest.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { codeOf, makeHarness, type Harness, type Reply } from './support/harness.ts';

const OPS_THEN_FINANCE = {
  ...ONE_OF_OPS,
  separationOfDuties: true,
  levels: [
    { name: 'operations', approvers: ['ops'], quorum: 1 },
    { name: 'finance', approvers: ['finance'], quorum: 1 },
  ],
};

let api: Harness;
beforeAll(async () => {
  api = await makeHarness();
});
afterAll(() => api.close());
beforeEach(() => {
  api.gate.mode = 'working';
  api.gate.executes = false;
  api.gate.forcedRefusal = undefined;
  api.settings.setPolicy({ approval: ONE_OF_OPS });
});

interface Shown {
  readonly reviewId: string;
  readonly call: { readonly digest: string };
}
const approved = async (): Promise<Shown> => {
  const review = await api.propose();
  expect((await api.decide(review.reviewId, review.call.digest)).status).toBe(200);
  await api.gate.settled(review.reviewId);
  return (await api.get(`/v1/reviews/${review.reviewId}`, 'ops-1')).body;
};
const reject = (review: Shown, as = 'ops-2', digest = review.call.digest) =>
  api.decide(review.reviewId, digest, { type: 'reject' }, as);
const stateOf = async ({ reviewId }: Shown) => (await api.get(`/v1/reviews/${reviewId}`, 'ops-1')).body;
const refusal = async (answer: Promise<Reply>) => [(await answer).status, codeOf(await answer)];
/** The execute worker looks around, as it does twice a second, once something is stored. */
const stopped = async (review: Shown, answer: Promise<Reply>) => {
  while ((await api.store.objections.ofReview(review.reviewId, 1)).length === 0) await tick();
  await stopObjectedCalls(api.executeDeps());
  return answer;
};
const tick = () => new Promise((resolve) => setTimeout(resolve, 5));
const STOPPED = { status: 'approved', execution: { status: 'failed', error: { code: 'stopped' } } };

describe('a no after the last yes', () => {
  test('is offered until the call is claimed, and stops it: 200 with the state after', async () => {
    const review = await approved();
    expect(review).toMatchObject({ status: 'approved', allowedDecisions: ['reject'] });
    const signals = api.gate.signals.length;
    const answer = await stopped(review, reject(review));
    expect([answer.status, answer.body]).toMatchObject([200, { ...STOPPED, allowedDecisions: [] }]);
    expect(api.gate.signals).toHaveLength(signals);
    expect(api.calls).toHaveLength(0);
    expect(await refusal(reject(review))).toEqual([409, 'already_resolved']);
  });

  test.each(['ops-1', 'ops-3', 'finance-1'])('may be said by %s', async (who) => {
    api.settings.setPolicy({ approval: OPS_THEN_FINANCE });
    const proposed = await api.propose();
    await api.decide(proposed.reviewId, proposed.call.digest, {}, 'ops-1');
    await api.decide(proposed.reviewId, proposed.call.digest, {}, 'finance-1');
    await api.gate.settled(proposed.reviewId);
    // The owner and whoever said yes are barred from approving, never from stopping.
    const answer = await stopped(proposed, reject(proposed, who));
    expect([answer.status, answer.body]).toMatchObject([200, STOPPED]);
  });

  test('is refused in the documented order, and no other decision is taken', async () => {
    const review = await approved();
    const other = digestBytes('something else');
    expect(await refusal(reject(review, 'finance-1', other))).toEqual([403, 'not_an_approver']);
    expect(await refusal(reject(review, 'ops-2', other))).toEqual([409, 'digest_mismatch']);
    expect(await refusal(api.decide(review.reviewId, review.call.digest, {}, 'ops-2'))).toEqual([
      409,
      'already_resolved',
    ]);
    expect(await api.store.objections.ofReview(review.reviewId, 1)).toEqual([]);
  });

  test('with no execute worker: 202, and the call is not made when one comes', async () => {
    const review = await approved();
    const answer = await reject(review);
    expect([answer.status, answer.body]).toMatchObject([202, { queued: true, reviewId: review.reviewId }]);
    expect(await stateOf(review)).toMatchObject({ status: 'approved', execution: { status: 'not_started' } });
    await stopObjectedCalls(api.executeDeps());
    expect(await stateOf(review)).toMatchObject(STOPPED);
  });

  test('that loses the race for the row is told that the call has started', async () => {
    api.gate.executes = true;
    const review = await api.propose();
    await api.decide(review.reviewId, review.call.digest);
    await api.gate.settled(review.reviewId);
    expect(await refusal(reject(review))).toEqual([409, 'already_started']);
    // The database says so too, to a process whose view was older.
    const envelope = api.gate.signals.at(-1)?.envelope;
    if (envelope === undefined) throw new Error('no signal');
    expect(await api.store.objections.object(review.reviewId, envelope)).toBe('already_started');
  });
});

describe('a no before it', () => {
  test('is stored before the gate is woken, also without Temporal', async () => {
    const review = await api.propose();
    api.gate.mode = 'down';
    const answer = await reject(review);
    expect(answer.status).toBe(202);
    expect(await api.store.objections.ofReview(review.reviewId, 1)).toHaveLength(1);
  });

  test('is answered from the database, whatever the workflow is made to say', async () => {
    const review = await api.propose();
    api.gate.forcedRefusal = 'already_voted';
    expect((await reject(review)).body).toMatchObject({ status: 'rejected' });
    const other = await api.propose({ arguments: { account: 'a-2', amount: 1 } });
    api.gate.mode = 'idle';
    const answer = reject(other);
    while ((await api.store.objections.ofReview(other.reviewId, 1)).length === 0) await tick();
    const { proposalDigest } = (await api.store.readLedger(other.reviewId)) ?? { proposalDigest: '' };
    const at = new Date(api.clock.now()).toISOString();
    const deny = { to: 'deny', reviewId: other.reviewId, proposalDigest, reason: 'expired', at } as const;
    await api.store.commit({ ledger: deny, entries: [] });
    expect(await refusal(answer)).toEqual([409, 'expired']);
  });
});

test('a yes counts once the database has its entry, not because a workflow says so', async () => {
  const review = await api.propose();
  api.gate.mode = 'idle';
  const answer = await api.decide(review.reviewId, review.call.digest);
  expect(answer.status).toBe(202);
  expect(await stateOf(review)).toMatchObject({ status: 'pending' });
});

import { ulid } from 'ulid';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ApplicationFailure, type ActivityExecutionFailedError } from '@temporalio/client';
import type { Material, Review } from '../../src/contract/review.ts';
import {
  approvedSnapshot,
  inputFor,
  materialOf,
  renamed,
  signedByService,
  snapshotOf,
} from '../support/e2e-forgery.ts';
import { decisionOn, forger, intrude, keysOf, type Intruder } from '../support/e2e-intruder.ts';
import { startRogue, type Rogue } from '../support/e2e-rogue.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';

/** Laws 1, 2, 6 and 9 against somebody with every power over Temporal: starts, resets, ends, forged results, workers. */
let world: World;
let intruder: Intruder;
beforeAll(async () => {
  world = await startWorld();
  intruder = await intrude(world);
});
afterAll(async () => {
  await intruder.close();
  await world.close();
});

const hold = async (tool = 'bank.pay') => {
  const ref = newRef('temporal');
  return { ref, review: await world.hold(tool, { ref }) };
};
const proposalOf = async ({ reviewId }: Review) => (await intruder.envelopes(reviewId, 'proposal'))[0];
const newReviewId = () => `rev_${ulid()}`;
const call = (ref: string, tool = 'bank.pay') => ({ service: 'bank', tool, arguments: { ref } });
const tasksOf = async (reviewId: string, runId: string) =>
  (await intruder.history(reviewId, runId)).filter((event) => event.workflowTaskCompletedEventAttributes).length;
const typesOf = async (reviewId: string) => (await world.entries(reviewId)).map(({ type }) => type);
const executed = { status: 'approved', execution: { status: 'executed' } };

/** The review once a worker has judged it. */
const classified = (reviewId: string) =>
  until(
    async () => {
      const { status, body } = await world.get(`/v1/reviews/${reviewId}`);
      const review = body as unknown as Review;
      return status === 200 && review.class !== null && review.call.digest !== null ? review : undefined;
    },
    { what: `the classification of ${reviewId}` },
  );

const refusalOf = (error: unknown) => (error instanceof ApplicationFailure ? (error.type ?? '') : String(error));
const GATE_ACTIVITIES = ['record', 'admit', 'classifyCall', 'readOutcome', 'prepareRevision', 'attachEvidence'];

/** Approved, but frozen: an activity waits that may be made any time, and the ledger row is open. */
async function approveFrozen(ref: string) {
  const review = await world.hold('bank.pay', { ref });
  await world.freeze('bank.*');
  expect((await world.decide(review.reviewId, {})).status).toBe(200);
  return review;
}

describe('law 1: nothing irreversible runs without a valid decision', () => {
  const lies = {
    'that it is harmless': { class: 'reversible', gate: 'none', levels: [] },
    'that it is approved': { status: 'approved', decisions: [{ type: 'approve', reviewer: 'ops-1' }] },
    'that somebody else proposed it': { proposer: { id: 'agent-1', owner: 'ops-3', attested: true } },
    'a context and a callback': { context: { env: 'test' }, callback: 'https://evil.example/', group: 'g' },
  };
  test.each(Object.entries(lies))('a start that claims %s is held, as nobody’s', async (_what, lie) => {
    const ref = newRef('direct');
    const reviewId = newReviewId();
    await intruder.start('gatedCall', reviewId, [{ ...call(ref), ...lie }], { identity: 'agent-1' });
    const review = await classified(reviewId);
    expect(review).toMatchObject({
      status: 'pending',
      class: 'irreversible',
      gate: 'hard',
      proposer: { id: 'temporal:agent-1', owner: null, attested: false },
      context: {},
      callback: null,
      group: null,
    });
    expect(review.reasonCodes).toContain('unattested');
    expect((await world.get(`/v1/reviews/${reviewId}`, 'agent-1')).status).toBe(404);
    await world.decide(reviewId, { type: 'reject' });
    expect(world.target.count(ref)).toBe(0);
  });

  test('a reversible call that nobody signed is held too; with separation of duties it is blocked', async () => {
    const [free, chained] = [newReviewId(), newReviewId()];
    const ref = newRef('direct');
    await intruder.start('gatedCall', free, [{ ...call(ref, 'bank.get') }]);
    await intruder.start('gatedCall', chained, [{ ...call(ref, 'bank.chain') }]);
    const blocked = await world.settled(chained);
    expect(blocked).toMatchObject({ status: 'blocked', reasonCodes: ['owner_unknown'] });
    expect(await classified(free)).toMatchObject({ status: 'pending', gate: 'hard' });
    await world.decide(free, { type: 'reject' });
    expect(world.target.count(ref)).toBe(0);
  });

  test('an argument in the clear that must be sealed is blocked, and stored nowhere', async () => {
    const reviewId = newReviewId();
    await intruder.start('gatedCall', reviewId, [
      { service: 'bank', tool: 'bank.wire', arguments: { ref: 'x', memo: 'in the clear' } },
    ]);
    const review = await world.settled(reviewId);
    expect(review).toMatchObject({ status: 'blocked', reasonCodes: ['seal_required'] });
    expect(JSON.stringify(review)).not.toContain('in the clear');
  });

  test('a second argument is not taken for the state of an earlier run', async () => {
    const { ref, review } = await hold();
    const id = newReviewId();
    const snapshot = renamed(approvedSnapshot(snapshotOf(review, await proposalOf(review)), []), id);
    await intruder.start('gatedCall', id, [call(ref), snapshot]);
    const other = await classified(id);
    expect(other).toMatchObject({ status: 'pending', proposer: { attested: false } });
    expect(world.target.count(ref)).toBe(0);
  });

  test('the signed proposal of another review is no proposal', async () => {
    const { ref, review } = await hold();
    const [stolen] = await intruder.envelopes(review.reviewId, 'proposal');
    expect(stolen).toBeDefined();
    const id = newReviewId();
    await intruder.start('gatedCall', id, [{ ...call(ref), proposal: stolen }]);
    const other = await classified(id);
    expect(other).toMatchObject({ status: 'pending', proposer: { attested: false } });
    // And the yes to the one is none to the other.
    expect((await world.decide(review.reviewId, {})).status).toBe(200);
    expect(await world.settled(review.reviewId)).toMatchObject(executed);
    for (const envelope of await intruder.envelopes(review.reviewId, 'decision'))
      await intruder.signal(id, 'submitDecision', envelope);
    await intruder.receipts(id);
    expect(await world.review(id)).toMatchObject({ status: 'pending' });
    expect(world.target.count(ref)).toBe(1);
  });

  test('a proposal that a service signed itself is attested, and held like any other', async () => {
    const ref = newRef('service');
    const id = newReviewId();
    const proposal = signedByService(world, id, call(ref));
    // What stands beside the envelope does not count.
    await intruder.start('gatedCall', id, [{ ...call('something else', 'bank.get'), proposal }]);
    const review = await classified(id);
    expect(review).toMatchObject({
      status: 'pending',
      proposer: { id: 'service-1', owner: 'finance-2', attested: true },
      call: { tool: 'bank.pay', arguments: { ref } },
    });
    expect((await world.decide(id, {})).status).toBe(200);
    expect(await world.settled(id)).toMatchObject(executed);
    expect(world.target.count(ref)).toBe(1);
  });

  test('a service signs for itself alone', async () => {
    const ref = newRef('service');
    const id = newReviewId();
    const proposal = signedByService(world, id, call(ref), 'agent-1');
    await intruder.start('gatedCall', id, [{ ...call(ref), proposal }]);
    const review = await classified(id);
    expect(review).toMatchObject({ proposer: { attested: false } });
  });

  test('a question asked in-flow, approved, is no call', async () => {
    const ref = newRef('question');
    const id = newReviewId();
    const handle = await intruder.start('approvalGate', id, [
      { title: 'Pay?', proposal: call(ref), approvers: ['ops'] },
    ]);
    await classified(id);
    expect((await world.decide(id, {})).status).toBe(200);
    expect(await handle.result()).toMatchObject({ type: 'approve', by: 'ops-1' });
    expect(await world.review(id)).toMatchObject({ kind: 'in-flow', execution: { status: 'not_started' } });
    expect(world.target.count(ref)).toBe(0);
  });

  test('activities started by themselves, or as workflows, do nothing', async () => {
    const { ref, review } = await hold();
    const input = inputFor(review, await proposalOf(review));
    const activities = ['executeCall', 'gatherEvidence', 'executeFree', ...GATE_ACTIVITIES];
    const taskQueues = ['holdpoint-execute', 'holdpoint-gate', 'holdpoint-direct'];
    const refusals = new Set<string>();
    for (const taskQueue of taskQueues) {
      for (const activity of activities) {
        const id = `intruder-${ulid()}`;
        const workflow = await intruder.start(activity, id, [input], { taskQueue });
        const alone = intruder.client.activity
          .execute(activity, {
            id,
            taskQueue,
            args: [input],
            startToCloseTimeout: '5s',
            scheduleToCloseTimeout: '5s',
            retry: { maximumAttempts: 1 },
          })
          .then(
            () => 'done',
            (error: ActivityExecutionFailedError) => refusalOf(error.cause),
          );
        refusals.add(await alone);
        await workflow.terminate();
      }
    }
    expect([...refusals].toSorted()).toEqual(['NotFoundError', 'foreign_review', 'local_only', 'workflow_only']);
    // Under the id of its own review: it is not free.
    const [proposal] = await intruder.envelopes(review.reviewId, 'proposal');
    const answer = await intruder.client.activity.execute('executeFree', {
      id: review.reviewId,
      taskQueue: 'holdpoint-direct',
      args: [{ proposal }],
      startToCloseTimeout: '5s',
      retry: { maximumAttempts: 1 },
    });
    expect(answer).toEqual({ status: 'not_free', reviewId: review.reviewId });
    expect(await world.review(review.reviewId)).toMatchObject({ status: 'pending' });
    expect(await typesOf(review.reviewId)).toEqual(['proposed', 'classified']);
    expect(world.target.count(ref)).toBe(0);
  });
});

describe('law 2: whoever reaches Temporal', () => {
  let rogue: Rogue | undefined;
  afterEach(async () => {
    await rogue?.stop();
    rogue = undefined;
    await world.freeze();
  });

  test('runs a worker of their own on the gate’s queue, which has the call made: it is not', async () => {
    const { ref, review } = await hold();
    const other = await hold();
    await world.decide(other.review.reviewId, {});
    await world.settled(other.review.reviewId);
    const [foreignYes] = await intruder.envelopes(other.review.reviewId, 'decision');
    const forged = inputFor(review, await proposalOf(review));
    const inputs = [
      forged,
      { ...forged, decisions: [foreignYes] },
      { ...forged, decisions: [forger(keysOf(world).review.keyid).sign('decision', decisionOn(review))] },
      { ...forged, proposal: null, material: { ...forged.material, proposer: 'temporal:me' } },
      { ...forged, material: { ...forged.material, class: 'reversible', levels: [] } },
      { ...forged, material: { ...forged.material, arguments: { ref: 'something else' } } },
      {},
      null,
    ];
    let results: unknown;
    let planned = false;
    rogue = await startRogue(world, 'holdpoint-gate', {
      plan: async (workflowId: string) => {
        if (workflowId !== review.reviewId) return [];
        planned = true;
        return [
          ...inputs.map((input) => ({ activity: 'executeCall', taskQueue: 'holdpoint-execute', input })),
          { activity: 'gatherEvidence', taskQueue: 'holdpoint-execute', input: { ...forged, change: null } },
          ...GATE_ACTIVITIES.map((activity) => ({
            activity,
            taskQueue: 'holdpoint-gate',
            input: { ...forged, review, key: review.reviewId, entries: [], previous: forged.material },
          })),
        ];
      },
    });
    await until(
      async () => {
        // Each reset gives the next workflow task to whoever asks first; ours carries on as if nothing had been.
        const runId = await intruder.reset(review.reviewId, 0);
        await until(async () => ((await tasksOf(review.reviewId, runId)) > 0 ? true : undefined), { what: 'a task' });
        const handle = intruder.handle(review.reviewId);
        if ((await handle.describe()).status.name === 'COMPLETED' || planned) results = await handle.result();
        return results;
      },
      { what: 'a workflow task for the rogue', withinMs: 60_000 },
    );
    const said = new Set(results as readonly string[]);
    expect([...said].toSorted()).toEqual(
      [
        'executeCall: not_authorized',
        'executeCall: reclassified',
        'gatherEvidence: not_authorized',
        ...GATE_ACTIVITIES.map((activity) => `${activity}: local_only`),
      ].toSorted(),
    );
    expect(world.target.count(ref)).toBe(0);
    expect(await typesOf(review.reviewId)).not.toContain('started');
  });

  const LIES: Readonly<Record<string, () => unknown>> = {
    'that it was made': () => ({ status: 'executed', body: { paid: 'no' } }),
    nothing: () => undefined,
    ...Object.fromEntries(
      ['executed', 'outcome_unknown', 'reclassified', 'not_authorized', 'whatever'].map((type) => [
        `that it failed, as ${type}`,
        () => {
          throw ApplicationFailure.nonRetryable('words', type);
        },
      ]),
    ),
  };
  test.each(Object.entries(LIES))('has a worker of their own say of a call %s: not believed', async (_what, lie) => {
    const stolen: unknown[] = [];
    const steal = async (input: unknown) => {
      stolen.push(input);
      return lie();
    };
    const activities = { executeCall: steal, gatherEvidence: steal };
    rogue = await startRogue(world, 'holdpoint-execute', activities, { workflows: false });
    const { ref, review } = await hold();
    expect((await world.decide(review.reviewId, {})).status).toBe(200);
    await until(() => (stolen.length + world.target.count(ref) > 0 ? true : undefined), { what: 'the theft' });
    const meanwhile = await world.review(review.reviewId);
    if (world.target.count(ref) === 0) expect(meanwhile.execution.status).not.toBe('executed');
    await rogue.stop();
    rogue = undefined;
    const { execution } = await world.settled(review.reviewId);
    // What the execute worker alone may say about a call denies it; an execution has happened.
    expect(['executed', 'failed']).toContain(execution.status);
    expect(world.target.count(ref)).toBe(execution.status === 'executed' ? 1 : 0);
    if (execution.status === 'executed') expect(execution.body).toMatchObject({ paid: true, ref });
  });

  test('completes the activity by its id, before the call: the call is made all the same, once', async () => {
    const ref = newRef('complete');
    const { reviewId } = await approveFrozen(ref);
    for (const result of [{ status: 'executed', body: { paid: 'no' } }, undefined]) {
      const activityId = await intruder.activityId(reviewId, 'executeCall');
      await intruder.client.activity.complete({ workflowId: reviewId, activityId }, result);
    }
    expect(await world.review(reviewId)).toMatchObject({ execution: { status: 'not_started' } });
    expect(world.target.count(ref)).toBe(0);
    await world.freeze();
    expect(await world.settled(reviewId)).toMatchObject({ execution: { status: 'executed', body: { paid: true } } });
    expect(world.target.count(ref)).toBe(1);
  });

  test('completes and fails the activity while the call is being made: its real result counts', async () => {
    for (const end of ['complete', 'fail', 'raw'] as const) {
      const { ref, review } = await hold('bank.slow');
      const { reviewId } = review;
      world.target.script(ref, { kind: 'held' });
      expect((await world.decide(reviewId, {})).status).toBe(200);
      await until(() => (world.target.count(ref) === 1 ? true : undefined), { what: 'the call' });
      const id = { workflowId: reviewId, activityId: await intruder.activityId(reviewId, 'executeCall') };
      if (end === 'complete') await intruder.client.activity.complete(id, { status: 'executed' });
      if (end === 'fail') {
        await intruder.client.activity.fail(id, ApplicationFailure.nonRetryable('x', 'not_authorized'));
      }
      if (end === 'raw') {
        await intruder.connection.workflowService.respondActivityTaskCompletedById({
          namespace: 'default',
          ...id,
          result: { payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{') }] },
        });
      }
      expect(await world.review(reviewId)).toMatchObject({ execution: { status: 'executing' } });
      world.target.release(ref);
      expect(await world.settled(reviewId)).toMatchObject({ execution: { status: 'executed', body: { ref } } });
      expect(world.target.count(ref)).toBe(1);
    }
  });
});

describe('laws 2 and 3: a workflow of somebody else’s that continues as ours', () => {
  let rogue: Rogue;
  beforeAll(async () => {
    rogue = await startRogue(world, 'intruder-queue', {});
  });
  afterAll(() => rogue.stop());

  test('says that it is approved: nothing is made', async () => {
    const { ref, review } = await hold();
    const forged = forger(keysOf(world).review.keyid).sign('decision', decisionOn(review));
    const snapshot = approvedSnapshot(snapshotOf(review, await proposalOf(review)), [forged]);
    await intruder.handle(review.reviewId).terminate();
    await intruder.start('becomeGatedCall', review.reviewId, [call(ref), snapshot], {
      taskQueue: 'intruder-queue',
      allowDuplicate: true,
    });
    const end = await world.settled(review.reviewId);
    expect(end.execution.status).not.toBe('executed');
    expect(world.target.count(ref)).toBe(0);
    const types = await typesOf(review.reviewId);
    expect(types).not.toContain('started');
    expect(types).not.toContain('decided');
  });

  const shown = {
    'evidence that nobody gathered': (material: Material) => ({
      ...material,
      evidence: material.evidence && {
        ...material.evidence,
        facts: material.evidence.facts.map((fact) => ({ ...fact, value: 'an account that nobody needs' })),
      },
    }),
    'a context that was not proposed': (material: Material) => ({ ...material, context: { env: 'test' } }),
    'a weaker class': (material: Material) => ({ ...material, class: 'reversible' as const }),
    'other arguments': (material: Material) => ({ ...material, arguments: { ref: 'harmless' } }),
  };
  test.each(Object.entries(shown))('shows %s, and a reviewer believes it: nothing is made', async (_what, lie) => {
    const { ref, review } = await hold('bank.closeAccount');
    expect(review.evidence).toHaveLength(1);
    await intruder.handle(review.reviewId).terminate();
    const snapshot = snapshotOf(review, await proposalOf(review), lie(materialOf(review)));
    await intruder.start('becomeGatedCall', review.reviewId, [call(ref, 'bank.closeAccount'), snapshot], {
      taskQueue: 'intruder-queue',
      allowDuplicate: true,
    });
    const digest = snapshot.record.revisions[0]?.digest;
    await until(async () => ((await world.review(review.reviewId)).call.digest === digest ? true : undefined), {
      what: 'the forged state',
    });
    const decided = await world.decide(review.reviewId, {});
    expect([200, 202]).toContain(decided.status);
    expect(await world.settled(review.reviewId)).toMatchObject({ execution: { status: 'failed' } });
    expect(world.target.seen.filter(({ method, ref: of }) => of === ref && method === 'POST')).toEqual([]);
  });
});

describe('law 6: at most once', () => {
  test('reset before the decision: it is still held, and made once when it is approved', async () => {
    const { ref, review } = await hold();
    for (const task of [0, -1, 0]) await intruder.reset(review.reviewId, task);
    await intruder.receipts(review.reviewId);
    expect(await world.review(review.reviewId)).toMatchObject({
      status: 'pending',
      expiresAt: review.expiresAt,
      call: { digest: review.call.digest },
    });
    expect((await world.decide(review.reviewId, {})).status).toBe(200);
    expect(await world.settled(review.reviewId)).toMatchObject(executed);
    expect(world.target.count(ref)).toBe(1);
  });

  test('reset after the execution, to several points, with and without its signals', async () => {
    const { ref, review } = await hold();
    const { reviewId } = review;
    expect((await world.decide(reviewId, {})).status).toBe(200);
    expect(await world.settled(reviewId)).toMatchObject(executed);
    const { runId } = await intruder.handle(reviewId).describe();
    const length = await tasksOf(reviewId, runId);
    const before = await typesOf(reviewId);
    for (let task = 0; task < length; task += 1) {
      for (const withoutSignals of [false, true]) {
        await intruder.reset(reviewId, task, { runId, withoutSignals });
        const [yes] = await intruder.envelopes(reviewId, 'decision');
        if (yes !== undefined) await intruder.signal(reviewId, 'submitDecision', yes).catch(() => undefined);
        await intruder.handle(reviewId).result();
        expect(await world.review(reviewId)).toMatchObject(executed);
      }
    }
    expect(world.target.count(ref)).toBe(1);
    expect((await typesOf(reviewId)).filter((type) => type === 'started' || type === 'finished')).toEqual(
      before.filter((type) => type === 'started' || type === 'finished'),
    );
  });

  test('reset while the call is being made', async () => {
    const { ref, review } = await hold('bank.slow');
    const { reviewId } = review;
    world.target.script(ref, { kind: 'held' });
    expect((await world.decide(reviewId, {})).status).toBe(200);
    await until(() => (world.target.count(ref) === 1 ? true : undefined), { what: 'the call' });
    const { runId } = await intruder.handle(reviewId).describe();
    await intruder.reset(reviewId, 0, { runId });
    await intruder.reset(reviewId, -1, { runId });
    world.target.release(ref);
    expect(await world.settled(reviewId)).toMatchObject({ execution: { status: 'executed' } });
    await intruder.handle(reviewId).result();
    expect(world.target.count(ref)).toBe(1);
  });

  test('reset behind a no, and every yes there was sent again', async () => {
    const { ref, review } = await hold('bank.chain');
    const { reviewId } = review;
    expect((await world.decide(reviewId, {}, 'ops-1')).status).toBe(200);
    const second = await world.review(reviewId);
    const yes = keysOf(world).review.sign(
      'decision',
      decisionOn(second, { level: 2, reviewer: { id: 'finance-1', method: 'token' } }),
    );
    const first = await intruder.envelopes(reviewId, 'decision');
    expect((await world.decide(reviewId, { type: 'reject' }, 'finance-2')).status).toBe(200);
    await intruder.handle(reviewId).result();
    await intruder.reset(reviewId, 0, { withoutSignals: true });
    for (const envelope of [...first, yes])
      await intruder.signal(reviewId, 'submitDecision', envelope).catch(() => undefined);
    await intruder.handle(reviewId).result();
    expect(await world.review(reviewId)).toMatchObject({ status: 'rejected', execution: { status: 'not_started' } });
    expect(world.target.count(ref)).toBe(0);
  });

  test('a second start after the end, with other arguments, with the same, and over a running one', async () => {
    const { ref, review } = await hold();
    const { reviewId } = review;
    const [proposal] = await intruder.envelopes(reviewId, 'proposal');
    expect((await world.decide(reviewId, {})).status).toBe(200);
    expect(await world.settled(reviewId)).toMatchObject(executed);
    await intruder.handle(reviewId).result();
    const other = await intruder.start('gatedCall', reviewId, [call('other')], { allowDuplicate: true });
    await expect(other.result()).rejects.toMatchObject({ cause: { type: 'review_id_taken' } });
    const same = await intruder.start('gatedCall', reviewId, [{ ...call(ref), proposal }], { allowDuplicate: true });
    await same.result();
    expect(await world.review(reviewId)).toMatchObject({ ...executed, call: { arguments: { ref } } });
    expect(world.target.count(ref)).toBe(1);
    expect(world.target.count('other')).toBe(0);

    const held = await hold();
    const over = await intruder.start('gatedCall', held.review.reviewId, [call('other')], { terminateExisting: true });
    await expect(over.result()).rejects.toMatchObject({ cause: { type: 'review_id_taken' } });
    expect(await world.review(held.review.reviewId)).toMatchObject({ call: { arguments: { ref: held.ref } } });
    expect(world.target.count('other')).toBe(0);
  });

  test('what is not the id of a review starts no review', async () => {
    const handle = await intruder.start('gatedCall', `not-a-review-${ulid()}`, [call('nothing')]);
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'review_id_invalid' } });
    expect(world.target.count('nothing')).toBe(0);
  });
});

describe('law 9: ended from outside is nobody’s no', () => {
  test('terminated or cancelled while the call is being made: its real result is recorded', async () => {
    for (const end of ['terminate', 'cancel'] as const) {
      const { ref, review } = await hold('bank.slow');
      world.target.script(ref, { kind: 'held' });
      expect((await world.decide(review.reviewId, {})).status).toBe(200);
      await until(() => (world.target.count(ref) === 1 ? true : undefined), { what: 'the call' });
      await intruder.handle(review.reviewId)[end]();
      world.target.release(ref);
      expect(await world.settled(review.reviewId)).toMatchObject({
        status: 'approved',
        execution: { status: 'executed', body: { ref } },
      });
      expect(world.target.count(ref)).toBe(1);
    }
  });

  test('cancelled while it is pending: aborted, and no yes counts any more', async () => {
    const { ref, review } = await hold();
    await intruder.handle(review.reviewId).cancel();
    expect(await world.settled(review.reviewId)).toMatchObject({ status: 'aborted', resolution: { by: null } });
    const late = await world.decide(review.reviewId, { digest: review.call.digest ?? '' });
    expect(late).toMatchObject({ status: 409, body: { code: 'already_resolved' } });
    expect(world.target.count(ref)).toBe(0);
  });

  test('terminated, deleted or replaced while it is pending: aborted, never shown as a no', async () => {
    const [terminated, deleted, replaced] = [await hold(), await hold(), await hold()];
    await intruder.handle(terminated.review.reviewId).terminate();
    await intruder.connection.workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: deleted.review.reviewId },
    });
    await intruder.start('gatedCall', replaced.review.reviewId, [call('other')], { terminateExisting: true });
    for (const { ref, review } of [terminated, deleted, replaced]) {
      const end = await world.settled(review.reviewId);
      expect(end).toMatchObject({ status: 'aborted', execution: { status: 'not_started' } });
      expect(await typesOf(review.reviewId)).toEqual(['proposed', 'classified', 'aborted']);
      expect(world.target.count(ref)).toBe(0);
      // Whatever is started under its id from now on.
      const [proposal] = await intruder.envelopes(review.reviewId, 'proposal').catch(() => []);
      const again = await intruder.start('gatedCall', review.reviewId, [{ ...call(ref), proposal }], {
        allowDuplicate: true,
      });
      await again.result().catch(() => undefined);
      expect(await world.review(review.reviewId)).toMatchObject({ status: 'aborted' });
    }
  });
});

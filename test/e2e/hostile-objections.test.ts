import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { intrude, type Intruder } from '../support/e2e-intruder.ts';
import { startRogue, type Rogue } from '../support/e2e-rogue.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';

/** Laws 5 and 9 against whoever polls the gate's queue, answers queries as it likes, and resets workflows. */
let world: World;
let intruder: Intruder;
let rogue: Rogue | undefined;
beforeAll(async () => {
  world = await startWorld();
  intruder = await intrude(world);
});
afterEach(async () => {
  await rogue?.stop();
  rogue = undefined;
  await world.freeze();
});
afterAll(async () => {
  await intruder.close();
  await world.close();
});

const typesOf = async (reviewId: string) => (await world.entries(reviewId)).map(({ type }) => type);
const STOPPED = { status: 'approved', execution: { status: 'failed', error: { code: 'stopped' } } };

/** Has a worker of the intruder's run the review, swallow every signal and say of each that it was accepted. */
async function takeOver(reviewId: string): Promise<void> {
  let taken = false;
  rogue = await startRogue(world, 'holdpoint-gate', {
    plan: async (workflowId: string) => {
      taken ||= workflowId === reviewId;
      return 'lie';
    },
  });
  await until(
    async () => {
      // Each reset gives the next workflow task to whoever asks first.
      const runId = await intruder.reset(reviewId, 0);
      const isTaken = async () => {
        const tasks = (await intruder.history(reviewId, runId)).filter((e) => e.workflowTaskCompletedEventAttributes);
        return taken || tasks.length > 0 ? true : undefined;
      };
      await until(isTaken, { what: 'a task' });
      return taken ? true : undefined;
    },
    { what: 'a workflow task for the rogue', withinMs: 60_000 },
  );
}

/** Back to the beginning in the hands of the real worker, with every signal lost. */
async function giveBack(reviewId: string): Promise<void> {
  await rogue?.stop();
  rogue = undefined;
  await intruder.reset(reviewId, 0, { withoutSignals: true });
  await until(
    async () => ((await intruder.receipts(reviewId).catch(() => undefined)) === undefined ? undefined : true),
    {
      what: 'the real worker',
      withinMs: 60_000,
    },
  );
}

describe('a hostile poller that resets', () => {
  test('a no that it answered for and made vanish still ends the review', async () => {
    const ref = newRef('vanished');
    const { reviewId } = await world.hold('bank.pay', { ref });
    await takeOver(reviewId);
    const no = await world.decide(reviewId, { type: 'reject' }, 'ops-1');
    // The workflow says `accepted`; the database does not.
    expect([no.status, no.body]).toMatchObject([202, { queued: true }]);
    await giveBack(reviewId);
    // Somebody else's yes, on which the call would have run.
    await world.decide(reviewId, {}, 'ops-2');
    expect(await world.settled(reviewId)).toMatchObject({ status: 'rejected', resolution: { by: 'ops-1' } });
    expect(world.target.count(ref)).toBe(0);
    expect(await typesOf(reviewId)).not.toContain('started');
  });

  test('a yes that it answered for counts only once it was recorded', async () => {
    const ref = newRef('forged');
    const { reviewId } = await world.hold('bank.pay', { ref });
    await takeOver(reviewId);
    expect((await world.decide(reviewId, {})).status).toBe(202);
    expect(await world.review(reviewId)).toMatchObject({ status: 'pending' });
    await giveBack(reviewId);
    expect(await typesOf(reviewId)).not.toContain('decided');
    expect((await world.decide(reviewId, {}, 'ops-2')).status).toBe(200);
    expect(await world.settled(reviewId)).toMatchObject({ execution: { status: 'executed' } });
    expect(world.target.count(ref)).toBe(1);
  });

  test('a no that was answered 200 after the last yes stops the call, whatever is reset or sent again', async () => {
    const ref = newRef('stopped');
    const { reviewId } = await world.hold('bank.pay', { ref });
    await world.freeze('bank.*');
    expect((await world.decide(reviewId, {}, 'ops-1')).status).toBe(200);
    expect(await world.review(reviewId)).toMatchObject({ status: 'approved', allowedDecisions: ['reject'] });
    const no = await world.decide(reviewId, { type: 'reject' }, 'ops-2');
    expect([no.status, no.body]).toMatchObject([200, { ...STOPPED, allowedDecisions: [] }]);
    const [yes] = await intruder.envelopes(reviewId, 'decision');
    await world.freeze();
    for (const withoutSignals of [true, false]) {
      await intruder.reset(reviewId, 0, { withoutSignals });
      await intruder.signal(reviewId, 'submitDecision', yes).catch(() => undefined);
      await intruder.handle(reviewId).result();
    }
    expect(await world.review(reviewId)).toMatchObject(STOPPED);
    expect(world.target.count(ref)).toBe(0);
    expect((await typesOf(reviewId)).filter((type) => type === 'objected' || type === 'started')).toEqual(['objected']);
    expect((await world.decide(reviewId, { type: 'reject' }, 'ops-1')).status).toBe(409);
  });
});

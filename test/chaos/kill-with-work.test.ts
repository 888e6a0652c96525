import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world?.close();
});

describe('kill -9 of a Holdpoint with work in its hands', () => {
  it('what waited still waits, and the approved call was made once', async () => {
    const [waiting, approved] = [newRef('waiting'), newRef('approved')];
    const pending = await world.hold('bank.slow', { ref: waiting, amount: 1 });
    const called = await world.hold('bank.slow', { ref: approved, amount: 1 });
    // The target has the call and has not answered when the process dies: nobody here can know what came of it.
    world.target.script(approved, { kind: 'held' });
    expect((await world.decide(called.reviewId, { type: 'approve' })).status).toBe(200);
    await until(() => (world.target.count(approved) === 1 ? true : undefined), { what: 'the call at the target' });

    await world.holdpoint.kill();
    await world.holdpoint.start();

    expect(await world.review(pending.reviewId)).toMatchObject({
      status: 'pending',
      call: { digest: pending.call.digest },
      execution: { status: 'not_started' },
    });
    expect(world.target.count(waiting)).toBe(0);
    const ended = await world.settled(called.reviewId);
    // Not idempotent, so it is not made again, and nothing claims that it worked.
    expect(ended).toMatchObject({ status: 'approved', execution: { status: 'outcome_unknown' } });
    expect(world.target.count(approved)).toBe(1);

    expect((await world.decide(pending.reviewId, { type: 'approve' })).status).toBe(200);
    expect(await world.settled(pending.reviewId)).toMatchObject({ execution: { status: 'executed' } });
    expect(world.target.count(waiting)).toBe(1);
    expect(world.target.count(approved)).toBe(1);
  });
});

import { join } from 'node:path';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProcesses } from '../../src/cli/embedded/processes.ts';
import { servesDatabase } from '../../src/cli/embedded/temporal-server.ts';
import type { Review } from '../../src/contract/review.ts';
import { intrude, type Intruder } from '../support/e2e-intruder.ts';
import { startRogue } from '../support/e2e-rogue.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';
import { startPart } from '../support/parts.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';

/** Parts that Holdpoint stands on go away for a while: nothing is half-done, nothing runs unrecorded, and it goes on. */
let postgres: Postgres;
let database: string;
let world: World;
beforeAll(async () => {
  postgres = await startPostgres();
  database = await postgres.createDatabase();
  world = await startWorld({ env: { DATABASE_URL: postgres.url(database) } });
});
afterAll(async () => {
  await world.close();
  postgres.stop();
});

const readyz = async () => {
  const { status, body } = await world.get('/readyz');
  return { status, body: body as unknown as { problems: readonly { code: string }[] } };
};
const untilReady = () =>
  until(async () => ((await readyz().catch(() => undefined))?.status === 200 ? true : undefined), {
    what: 'readiness',
    withinMs: 120_000,
  });
const untilDown = (code: string) =>
  until(
    async () => {
      const { status, body } = await readyz();
      return status === 503 && body.problems.some((problem) => problem.code === code) ? true : undefined;
    },
    { what: `${code} on /readyz` },
  );
const ofThread = async (threadId: string) =>
  (await world.get(`/v1/reviews?threadId=${threadId}`)).body['reviews'] as readonly Review[];
const executed = { status: 'approved', execution: { status: 'executed' } };

/** Approved, on its way to a target that does not answer yet. */
async function underWay(ref: string): Promise<string> {
  world.target.script(ref, { kind: 'held' });
  const { reviewId } = await world.hold('bank.slow', { ref });
  expect((await world.decide(reviewId, {})).status).toBe(200);
  await until(() => (world.target.count(ref) === 1 ? true : undefined), { what: 'the call' });
  return reviewId;
}

describe('Temporal killed', () => {
  test('503 temporal_unavailable, nothing half-done, and everything goes on when it is back', async () => {
    const [waiting, proposed, going] = [newRef('waiting'), newRef('proposed'), newRef('going')];
    const held = await world.hold('bank.pay', { ref: waiting });
    const reviewId = await underWay(going);
    const file = join(world.holdpoint.dataDir, 'temporal.db');
    for (const { pid } of await findProcesses((argv) => servesDatabase(argv, file))) process.kill(pid, 'SIGKILL');
    await untilDown('temporal_unavailable');

    const propose = () => world.execute('bank.pay', { ref: proposed }, { threadId: proposed }, { key: proposed });
    expect(await propose()).toMatchObject({ status: 503, body: { code: 'temporal_unavailable' } });
    const vote = await world.decide(held.reviewId, {});
    expect(vote).toMatchObject({ status: 503, body: { code: 'temporal_unavailable' } });
    // In one process a call without a gate needs no Temporal.
    const free = await world.execute('bank.get', { ref: newRef('free') });
    expect(free).toMatchObject({ status: 200, body: { outcome: 'EXECUTED' } });
    // What the database knows can be read.
    expect(await world.review(held.reviewId)).toMatchObject({ status: 'pending' });
    expect((await world.get('/v1/reviews')).status).toBe(200);
    // A call that is under way needs nobody but the database to be recorded.
    world.target.release(going);
    await until(async () => ((await world.review(reviewId)).execution.status === 'executed' ? true : undefined), {
      what: 'the record of the call',
    });

    await untilReady();
    expect(await propose()).toMatchObject({ status: 202, body: { outcome: 'ESCALATE' } });
    expect(await ofThread(proposed)).toHaveLength(1);
    expect((await world.decide(held.reviewId, {})).status).toBe(200);
    expect(await world.settled(held.reviewId)).toMatchObject(executed);
    expect(await world.settled(reviewId)).toMatchObject(executed);
    expect([waiting, proposed, going].map((ref) => world.target.count(ref))).toEqual([1, 0, 1]);
  });
});

describe('the database gone', () => {
  test('calls wait, nothing runs unrecorded, and what was under way is recorded afterwards', async () => {
    const [waiting, approved, going, proposed] = [newRef('db'), newRef('db'), newRef('db'), newRef('db')];
    const pending = await world.hold('bank.pay', { ref: waiting });
    const reviewId = await underWay(going);
    const frozen = await world.hold('bank.pay', { ref: approved });
    await world.freeze('bank.*');
    expect((await world.decide(frozen.reviewId, {})).status).toBe(200);

    postgres.crash();
    world.target.release(going);
    await untilDown('database_unavailable');
    // Nothing but the missing record holds it from now on.
    world.deployment.writeConfig(world.deployment.config);
    const propose = () => world.execute('bank.pay', { ref: proposed }, { threadId: proposed }, { key: proposed });
    expect(await propose()).toMatchObject({ status: 503, body: { code: 'database_unavailable' } });
    const free = newRef('free');
    expect(await world.execute('bank.get', { ref: free })).toMatchObject({
      status: 503,
      body: { code: 'database_unavailable' },
    });
    const read = await world.get(`/v1/reviews/${pending.reviewId}`);
    expect(read).toMatchObject({ status: 503, body: { code: 'database_unavailable' } });
    const vote = await world.decide(pending.reviewId, { digest: pending.call.digest ?? '' });
    expect(vote).toMatchObject({ status: 503, body: { code: 'database_unavailable' } });
    // Longer than a frozen call waits until it is looked at again.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    expect([waiting, approved, proposed, free].map((ref) => world.target.count(ref))).toEqual([0, 0, 0, 0]);

    postgres.restart();
    await untilReady();
    expect(await world.settled(frozen.reviewId)).toMatchObject(executed);
    expect(await world.settled(reviewId)).toMatchObject({ execution: { status: 'executed', body: { ref: going } } });
    expect(await propose()).toMatchObject({ status: 202 });
    expect(await ofThread(proposed)).toHaveLength(1);
    expect((await world.decide(pending.reviewId, {})).status).toBe(200);
    expect(await world.settled(pending.reviewId)).toMatchObject(executed);
    expect([waiting, approved, going].map((ref) => world.target.count(ref))).toEqual([1, 1, 1]);
    const types = (await world.entries(frozen.reviewId)).map(({ type }) => type);
    expect(types).toEqual(['proposed', 'classified', 'decided', 'started', 'finished']);
  });
});

describe('two workers', () => {
  test('one that is asked for a call which another is making calls it unknown and makes none; the late result settles it', async () => {
    const ref = newRef('late');
    const second = startPart(
      ['worker', '--role', 'execute'],
      {
        ...world.deployment.env,
        HOLDPOINT_CONFIG: world.deployment.configFile,
        HOLDPOINT_DATA_DIR: join(world.deployment.directory, 'second'),
        HOLDPOINT_KEYS_DIR: join(world.holdpoint.dataDir, 'keys'),
        TEMPORAL_ADDRESS: world.holdpoint.temporalAddress,
        DATABASE_URL: postgres.url(database),
      },
      world.deployment.directory,
    );
    const intruder = await intrude(world);
    const reviewId = await underWay(ref);
    // Whoever reaches Temporal can ask for the call as its own workflow does, with the very same envelopes.
    const input = await inputOf(intruder, reviewId);
    const again = { activity: 'executeCall', taskQueue: 'holdpoint-execute', input };
    const rogue = await startRogue(world, 'intruder-queue', { plan: async () => [again, again, again] });
    const unknown = async () => {
      await intruder.start('gatedCall', `intruder-${ulid()}`, [null], { taskQueue: 'intruder-queue' });
      return (await world.review(reviewId)).execution.status === 'outcome_unknown' ? true : undefined;
    };
    try {
      await until(unknown, { what: 'the worker that does not make the call', withinMs: 60_000 });
      expect(world.target.count(ref)).toBe(1);
    } finally {
      world.target.release(ref);
      await rogue.stop();
      await intruder.close();
    }
    await until(async () => ((await world.review(reviewId)).execution.status === 'executed' ? true : undefined), {
      what: 'the late result',
    });
    expect(await world.settled(reviewId)).toMatchObject({ execution: { status: 'executed', body: { ref } } });
    expect(world.target.count(ref)).toBe(1);
    const entries = await world.entries(reviewId);
    expect(entries.filter(({ type }) => ['started', 'unknown', 'finished'].includes(type))).toMatchObject([
      { type: 'started', resend: false },
      { type: 'unknown', errorCode: 'lost_worker' },
      { type: 'finished', status: 'executed', late: true },
    ]);
    expect(await second.stop()).toBe(0);
  });
});

async function inputOf(intruder: Intruder, reviewId: string): Promise<unknown> {
  const scheduled = (await intruder.history(reviewId)).flatMap(({ activityTaskScheduledEventAttributes: activity }) =>
    activity?.activityType?.name === 'executeCall' ? [activity] : [],
  );
  const data = scheduled[0]?.input?.payloads?.[0]?.data;
  return JSON.parse(Buffer.from(data ?? []).toString('utf8'));
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findProcesses } from '../../src/cli/embedded/processes.ts';
import { servesDatabase } from '../../src/cli/embedded/temporal-server.ts';
import { runCli } from '../support/e2e-cli.ts';
import { randomFrom, startTraffic } from '../support/e2e-traffic.ts';
import { startWorld, type World } from '../support/e2e-world.ts';

/** `kill -9` of everything at random moments, again and again, while agents propose and reviewers decide. */
const KILLS = 15;
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

test(`${KILLS} kills (CHAOS_SEED=${SEED}): every approved call is made once or visibly unknown, and nothing else is made`, async () => {
  const random = randomFrom(SEED);
  world.target.otherwise = () => ({ kind: 'slow', ms: random() * 400 });
  const traffic = startTraffic(world, randomFrom(SEED + 1));
  const readyAfter: number[] = [];

  for (let kill = 0; kill < KILLS; kill += 1) {
    await sleep(200 + random() * 2_000);
    await keepCheckpoint();
    await world.holdpoint.kill();
    // A machine that goes down takes the Temporal server along; a process that crashes leaves it.
    if (random() < 0.3) await killTemporal();
    if (random() < 0.3) {
      // Killed again on its way up.
      const starting = world.holdpoint.start().catch(() => undefined);
      await sleep(300 + random() * 3_000);
      await world.holdpoint.kill();
      await starting;
    }
    const since = performance.now();
    await world.holdpoint.start();
    readyAfter.push(Math.round((performance.now() - since) / 100) / 10);
  }
  console.log(`seed ${SEED}: ready after ${readyAfter.join(', ')} s; ${traffic.calls.length} calls`);
  await traffic.finish();

  const { calls } = traffic;
  expect(calls.filter(({ intent }) => intent === 'approve').length).toBeGreaterThan(KILLS);
  const outcomes = { executed: 0, outcome_unknown: 0 };
  for (const { ref, tool, intent, reviewId } of calls) {
    if (reviewId === null) throw new Error(`${ref} was never taken`);
    const seen = world.target.seen.filter((one) => one.ref === ref);
    if (intent === 'leave') {
      expect(await world.review(reviewId)).toMatchObject({ status: 'pending', execution: { status: 'not_started' } });
      expect(seen).toEqual([]);
      continue;
    }
    const review = await world.settled(reviewId, 120_000);
    if (intent === 'reject') {
      expect(review).toMatchObject({ status: 'rejected', execution: { status: 'not_started' } });
      expect(seen).toEqual([]);
      continue;
    }
    expect(review.status).toBe('approved');
    const made = world.target.seen.filter((one) => one.ref === ref);
    if (tool === 'bank.order') {
      // As often as it took, always under the one key that the target knows it by.
      expect(review.execution.status).toBe('executed');
      expect(new Set(made.map(({ headers }) => headers['idempotency-key']))).toEqual(
        new Set([`holdpoint-${reviewId}`]),
      );
    } else {
      expect(['executed', 'outcome_unknown']).toContain(review.execution.status);
      expect(made.length).toBeLessThanOrEqual(1);
      if (review.execution.status === 'executed') expect(made).toHaveLength(1);
    }
    outcomes[review.execution.status as keyof typeof outcomes] += 1;
  }
  console.log(`seed ${SEED}: ${JSON.stringify(outcomes)}`);
  // What reached the target at all was approved.
  const approved = new Set(calls.filter(({ intent }) => intent === 'approve').map(({ ref }) => ref));
  expect(world.target.seen.filter(({ ref }) => !approved.has(ref))).toEqual([]);
});

test('the log verifies against every checkpoint that somebody kept on the way', async () => {
  const notes = [...kept];
  expect(notes.length).toBeGreaterThan(3);
  for (const note of [notes[0], notes[Math.floor(notes.length / 2)], notes.at(-1)]) {
    const file = join(world.deployment.directory, 'kept.note');
    writeFileSync(file, note ?? '');
    const args = ['audit', 'verify', '--url', world.holdpoint.url, '--since', file];
    expect(await runCli(world, 'audit-1', args)).toMatchObject({ code: 0, json: { ok: true, faults: [] } });
  }
});

const kept = new Set<string>();
async function keepCheckpoint(): Promise<void> {
  const { status, body } = await world.get('/v1/audit/checkpoint', 'audit-1');
  if (status === 200) kept.add(String(body['checkpoint']));
}

async function killTemporal(): Promise<void> {
  const file = join(world.holdpoint.dataDir, 'temporal.db');
  for (const { pid } of await findProcesses((argv) => servesDatabase(argv, file))) process.kill(pid, 'SIGKILL');
}

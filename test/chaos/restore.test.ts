import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import { isFinal } from '../../src/domain/lifecycle.ts';
import { EXIT } from '../../src/cli/ui/exit.ts';
import { startParts, type PartsWorld } from '../support/chaos-parts.ts';
import { tryHoldpoint } from '../support/parts.ts';
import { findBinaries } from '../support/postgres.ts';

/** The commands of docs/running.md, "Backups and restores", on parts that run apart. */
const isFull = process.env['CHAOS_TEMPORAL'] === 'full';
const NAMES = ['propose-1', 'review-1', 'gate-1', 'execute-1'] as const;

let world: PartsWorld;
beforeAll(async () => {
  world = await startParts({ isFull, instances: 1 });
}, 45 * 60_000);
afterAll(() => world.close());

async function until<T>(look: () => Promise<T | undefined>, withinMs = 120_000): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`this did not come: ${look.toString()}`);
    await sleep(200);
  }
}

const reviewOf = async (id: string) => (await world.send('GET', `/v1/reviews/${id}`, 'ops-1')).body as Review;

/** Proposes a payment; resolves with its review once people can decide. */
async function hold(ref: string): Promise<string> {
  const { reviewId } = await until(async () => {
    const body = { service: 'bank', tool: 'bank.pay', arguments: { ref } };
    const answer = await world.send('POST', '/v1/execute', 'agent-1', body, ref);
    return answer.status === 202 ? (answer.body as { reviewId: string }) : undefined;
  });
  await until(async () => ((await reviewOf(reviewId)).call.digest === null ? undefined : true));
  return reviewId;
}

async function decide(reviewId: string, type: 'approve' | 'reject'): Promise<void> {
  await until(async () => {
    const { digest } = (await reviewOf(reviewId)).call;
    const { status } = await world.send('POST', `/v1/reviews/${reviewId}/decision`, 'ops-1', { type, digest });
    return [200, 202, 409].includes(status) ? true : undefined;
  });
}

const settled = (reviewId: string) =>
  until(async () => {
    const review = await reviewOf(reviewId);
    return isFinal(review) ? `${review.status} ${review.execution.status}` : undefined;
  });

function postgres(program: string, ...args: readonly string[]): void {
  execFileSync(join(findBinaries(), program), args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** As the owner of the database, where the execute worker's data is. */
async function restore(...args: readonly string[]) {
  const env = { ...world.environment('execute-1'), DATABASE_URL: world.postgres.url(world.database) };
  const { status, output } = await tryHoldpoint(['restore', ...args, '--json'], env, world.deployment.directory);
  return { status, json: JSON.parse(output.slice(output.indexOf('{'))) as Record<string, unknown> };
}

test('a backup is put back: what ran since is named and never made again, and everything else goes on', async () => {
  const file = join(world.deployment.directory, 'backup');
  const url = world.postgres.url(world.database);
  const [waits, ran, rejected, done] = [
    await hold('waits'),
    await hold('ran'),
    await hold('rejected'),
    await hold('done'),
  ];
  await decide(done, 'approve');
  expect(await settled(done)).toBe('approved executed');

  postgres('pg_dump', '--format=custom', '--file', file, url);
  await decide(ran, 'approve');
  await decide(rejected, 'reject');
  const added = await hold('added');
  await decide(added, 'approve');
  for (const id of [ran, rejected, added]) await settled(id);
  // The execute worker has signed all of it.
  const size = await until(async () => {
    const { body } = await world.send('GET', '/v1/audit/entries?from=0&limit=1000', 'audit-1');
    const { length } = (body as { entries: readonly unknown[] }).entries;
    const [, signed] = readFileSync(join(world.deployment.directory, 'execute-1', 'checkpoint'), 'utf8').split('\n');
    return Number(signed) === length ? length : undefined;
  });
  expect(await restore('check')).toMatchObject({ status: EXIT.ok, json: { rolledBack: false } });

  for (const name of NAMES) await world.processes[name].stop();
  await world.postgres.sql('postgres', `DROP DATABASE ${world.database}`);
  await world.postgres.sql('postgres', `CREATE DATABASE ${world.database}`);
  postgres('pg_restore', '--dbname', url, file);

  // Started too early, it makes no call.
  const early = world.start('execute-1');
  const listed = await restore('check');
  expect(listed).toMatchObject({ status: EXIT.refused });
  const reviews = listed.json['reviews'] as readonly Record<string, unknown>[];
  const byId = new Map(reviews.map(({ reviewId, ...one }) => [reviewId, one]));
  expect(new Set(byId.keys())).toEqual(new Set([ran, rejected, added]));
  expect(byId.get(ran)).toMatchObject({ what: 'ran', seenIn: 'journal', ledger: 'open', becomes: 'outcome_unknown' });
  expect(byId.get(rejected)).toMatchObject({ what: 'decided', seenIn: 'temporal', ledger: 'open', becomes: 'aborted' });
  expect(byId.get(added)).toMatchObject({ what: 'ran', seenIn: 'journal', ledger: null, becomes: 'nothing' });

  const accept = ['accept', '--by', 'ops-1', '--why', 'disk lost'];
  expect(await restore(...accept, '--looked-at', ran, added)).toMatchObject({ status: EXIT.refused });
  expect(await restore(...accept, '--looked-at', ran, added, rejected)).toMatchObject({ status: EXIT.ok });
  expect(await restore('check')).toMatchObject({ status: EXIT.ok, json: { rolledBack: false } });
  for (const name of NAMES.slice(0, 3)) world.start(name);

  await decide(waits, 'approve');
  expect(await settled(waits)).toBe('approved executed');
  expect(await settled(ran)).toBe('approved outcome_unknown');
  expect(await settled(rejected)).toBe('aborted not_started');
  const made = ['waits', 'ran', 'rejected', 'done', 'added'].map((ref) => world.target.count(ref));
  expect(made).toEqual([1, 1, 0, 1, 1]);
  const { body } = await world.send('GET', '/v1/audit/entries?from=0&limit=1000', 'audit-1');
  const accepted = (body as { entries: readonly { entry: { type: string } }[] }).entries.filter(
    ({ entry }) => entry.type === 'restored',
  );
  expect(accepted).toMatchObject([{ entry: { by: 'ops-1', why: 'disk lost', lostUntil: size } }]);
  expect(early.pid()).toBeDefined();
});

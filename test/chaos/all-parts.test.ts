import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TrustFile } from '../../src/contract/envelope.ts';
import { Holdpoint, verifyCallback } from '../../src/client/index.ts';
import { checkAll, type Line } from '../support/chaos-checks.ts';
import { startParts, superviseAgent, type PartsWorld } from '../support/chaos-parts.ts';
import { startReviewers } from '../support/chaos-reviewers.ts';
import { scheduleFaults, type ProcessName, type ScheduledFault } from '../support/chaos-schedule.ts';
import { CREDENTIAL } from '../support/e2e-deployment.ts';
import { startHookServer, type HookServer } from '../support/hook-server.ts';
import { tryHoldpoint } from '../support/parts.ts';
import type { Supervised } from '../support/supervised.ts';

/** Faults of every kind in all parts under traffic; `npm run chaos` sets what is different from `npm test`. */
const MINUTES = Number(process.env['CHAOS_MINUTES'] ?? 2);
// One schedule for `npm test`, so that a change is to blame for what fails; `npm run chaos` tries others.
const SEED = Number(process.env['CHAOS_SEED'] ?? 1);
const PER_MINUTE = Number(process.env['CHAOS_FAULTS_PER_MINUTE'] ?? 40);
const isFull = process.env['CHAOS_TEMPORAL'] === 'full';
const LANES = 6;
const AGENTS = ['agent-1', 'agent-2'] as const;
/** How long everything may take to come to an end once nothing fails any more. */
const REST_MS = 8 * 60_000;
const CHECKPOINT_EVERY_MS = 5_000;
const KILL_WITHIN_MS = 10_000;
const schedule = scheduleFaults(SEED, MINUTES, PER_MINUTE);

let world: PartsWorld;
let hook: HookServer;
beforeAll(async () => {
  hook = await startHookServer();
  world = await startParts({ isFull, clockOf: schedule.clockOf, callback: hook.url });
}, 45 * 60_000);
afterAll(async () => {
  await world?.close();
  await hook?.close();
}, 120_000);

const journalOf = (agent: string) => join(world.deployment.directory, `${agent}.journal`);
const linesOf = (agent: string): readonly Line[] =>
  existsSync(journalOf(agent))
    ? readFileSync(journalOf(agent), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Line)
    : [];
const allLines = () => AGENTS.flatMap(linesOf);

/** The agent has been told to come to an end, and every call of its has an answer. */
function isDone(agent: string): boolean {
  if (!existsSync(`${journalOf(agent)}.stop`)) return false;
  const lines = linesOf(agent);
  const answered = new Set(lines.flatMap(({ ref, answer }) => (answer === undefined ? [] : [ref])));
  return lines.every(({ ref }) => answered.has(ref));
}

test(
  `${MINUTES} min of faults (CHAOS_SEED=${SEED}): none made without a decision or twice, no vote and no answer lost`,
  async () => {
    const agents = Object.fromEntries(
      AGENTS.map((id) => {
        const options = { journal: journalOf(id), seed: SEED, lanes: LANES, callback: hook.url };
        return [id, superviseAgent(world, id, { ...options, isDone: () => isDone(id) })];
      }),
    ) as Record<(typeof AGENTS)[number], Supervised>;
    const reviewers = startReviewers(world);
    const notes = keepCheckpoints();
    await until(() => AGENTS.every((id) => linesOf(id).some(({ answer }) => answer !== undefined)), REST_MS);

    const done = await inflict({ ...world.processes, ...agents });
    for (const id of AGENTS) writeFileSync(`${journalOf(id)}.stop`, '');
    await until(() => AGENTS.every(isDone), REST_MS);
    await reviewers.stop();
    const kept = await notes.stop();

    const lines = allLines();
    const trust = JSON.parse(readFileSync(join(world.deployment.directory, 'keys', 'trust.json'), 'utf8')) as TrustFile;
    const verdict = await checkAll(world, { lines, votes: reviewers.votes, trusted: trust.keys });
    const calls = new Set(lines.map(({ ref }) => ref)).size;
    const votes = reviewers.votes.filter(({ status }) => status === 200).length;
    const told = await checkCallbacks(lines);
    console.log(
      JSON.stringify(
        { seed: SEED, minutes: MINUTES, temporal: isFull ? 'full' : 'dev', ...done, calls, votes, told },
        undefined,
        1,
      ),
      JSON.stringify({ ...verdict.outcomes, arrived: world.target.seen.length, proofs: verdict.proofs }, undefined, 1),
    );
    expect(verdict.faults).toEqual([]);
    expect(verdict.proofs).toBeGreaterThan(0);
    expect(kept.length).toBeGreaterThan(0);
    await checkLog(kept);
    expect(secretsIn(world.logs())).toEqual([]);
  },
  MINUTES * 60_000 + 2 * REST_MS,
);

/** Carries the schedule out, then takes every fault back. Tells how many there were of each. */
async function inflict(processes: Readonly<Record<ProcessName, Supervised>>) {
  const kills: Record<string, number> = {};
  const others: Record<string, number> = {};
  const count = (of: Record<string, number>, what: string) => (of[what] = (of[what] ?? 0) + 1);
  const isAlive = (name: ProcessName) => processes[name].pid() !== undefined;

  async function carryOut(fault: ScheduledFault): Promise<void> {
    switch (fault.kind) {
      case 'kill': {
        // The next one, where this one has just ended.
        await until(() => isAlive(fault.process), KILL_WITHIN_MS).catch(() => undefined);
        if (processes[fault.process].signal('SIGKILL')) count(kills, fault.process);
        return;
      }
      case 'stop': {
        if (!processes[fault.process].signal('SIGSTOP')) return;
        count(others, 'stop');
        await sleep(fault.forMs);
        processes[fault.process].signal('SIGCONT');
        return;
      }
      case 'cut':
        world.networks[fault.part][fault.from].cut();
        count(others, 'cut');
        return;
      case 'hold': {
        const network = world.networks[fault.part][fault.from];
        network.hold(true);
        count(others, 'hold');
        await sleep(fault.forMs);
        network.hold(false);
        return;
      }
      case 'full': {
        if (world.disks === undefined) return;
        world.disks[fault.disk].fill(true);
        count(others, `full ${fault.disk}`);
        await sleep(fault.forMs);
        world.disks[fault.disk].fill(false);
        return;
      }
      case 'clock':
        if (world.moveClock(fault.byMs)) count(others, 'clock');
        return;
      default:
        fault satisfies never;
    }
  }

  const since = performance.now();
  const carried: Promise<void>[] = [];
  for (const fault of schedule.faults) {
    await sleep(Math.max(0, since + fault.atMs - performance.now()));
    carried.push(carryOut(fault));
  }
  await Promise.all(carried);
  for (const process of Object.values(processes)) process.signal('SIGCONT');
  world.moveClock(0);
  const killed = Object.values(kills).reduce((sum, one) => sum + one, 0);
  return { killed, kills, others, clockOf: schedule.clockOf };
}

/** What a careful person keeps elsewhere while it goes on. */
function keepCheckpoints() {
  const kept = new Set<string>();
  const over = new AbortController();
  const keeping = (async () => {
    while (!over.signal.aborted) {
      const answer = await world.send('GET', '/v1/audit/checkpoint', 'audit-1').catch(() => undefined);
      if (answer?.status === 200) kept.add((answer.body as { checkpoint: string }).checkpoint);
      await sleep(CHECKPOINT_EVERY_MS);
    }
  })();
  return {
    stop: async () => {
      over.abort();
      await keeping;
      return [...kept];
    },
  };
}

/** The log verifies, and extends what was kept: the first, the last and some of those in between. */
async function checkLog(notes: readonly string[]): Promise<void> {
  const file = join(world.deployment.directory, 'kept.note');
  const env = {
    HOLDPOINT_KEYS_DIR: join(world.deployment.directory, 'keys'),
    HOLDPOINT_TOKEN: world.deployment.credentials['audit-1'],
  };
  const step = Math.ceil(notes.length / 5);
  for (const note of [...notes.filter((_, index) => index % step === 0), notes.at(-1) ?? '']) {
    writeFileSync(file, note);
    const args = ['audit', 'verify', '--url', world.urls.review[0] ?? '', '--since', file];
    const { status, output } = await tryHoldpoint(args, env, world.deployment.directory);
    expect({ status, output }).toMatchObject({ status: 0 });
  }
}

/** Each review that named a callback has one answer there too, the agent's own, however often it was sent. */
async function checkCallbacks(lines: readonly Line[]) {
  const answers = new Map(
    lines.flatMap(({ ref, reviewId, answer }) => (reviewId && answer ? [[reviewId, { ref, ...answer }]] : [])),
  );
  const named = [...answers].filter(([, { ref }]) => Number(ref.split('-')[2]) % 3 === 0).map(([reviewId]) => reviewId);
  const told = () => new Set(hook.calls.map(({ body }) => String(body.data['reviewId'])));
  await until(() => named.every((reviewId) => told().has(reviewId)), REST_MS);
  expect(told()).toEqual(new Set(named));
  const apiKey = world.deployment.credentials['agent-1'];
  const secrets = await new Holdpoint({ url: world.urls.propose[0] ?? '', apiKey }).callbackKeys();
  const ids = new Map<string, Set<string>>();
  for (const { text, headers } of hook.calls) {
    const { id, reviewId, resolution } = await verifyCallback({ body: text, headers }, { secrets, tolerance: 7_200 });
    ids.set(reviewId, (ids.get(reviewId) ?? new Set()).add(id));
    const { comment, edited, retryable } = resolution;
    // What was unknown when one was told may have become known when the other was.
    const known = ({ status }: { readonly status: string }) => (status === 'outcome_unknown' ? 'executed' : status);
    const answer = answers.get(reviewId);
    if (answer === undefined) throw new Error(`${reviewId} was told, and no agent asked`);
    expect({ ref: answer.ref, ended: known(resolution), comment, edited, retryable }).toEqual({
      ref: answer.ref,
      ended: known(answer),
      comment: answer.comment,
      edited: answer.edited,
      retryable: answer.retryable,
    });
  }
  expect([...ids.values()].every(({ size }) => size === 1)).toBe(true);
  return { callbacks: named.length, sent: hook.calls.length };
}

/** Credentials, keys and what was sealed. */
function secretsIn(logs: string): readonly string[] {
  expect(logs.length).toBeGreaterThan(0);
  const { directory, credentials } = world.deployment;
  const keys = ['propose', 'review', 'execute', 'seal', 'mail', 'callback'].flatMap((name) =>
    readFileSync(join(directory, 'keys', `${name}.key`), 'utf8')
      .split('\n')
      .filter((line) => /^[\w+/=]{20,}$/.test(line)),
  );
  return [CREDENTIAL, 'memo-of-', ...Object.values(credentials), ...keys].filter((secret) => logs.includes(secret));
}

async function until(look: () => boolean, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs;
  while (!look()) {
    if (performance.now() > end) throw new Error(`this did not come: ${look.toString()}`);
    await sleep(200);
  }
}

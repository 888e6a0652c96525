import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { Holdpoint, HoldpointError } from '../src/client/index.ts';
import { startParts } from '../test/support/chaos-parts.ts';
import { openBare } from './gate/bare.ts';
import { quantilesOf } from './gate/measure.ts';

/**
 * Measures what it costs the api to have `AGENTS` agents waiting in `resolution()`, and how long after the end of its review
 * each gets its answer, compared with as many clients of bare Temporal in `handle.result()` on the same server in the same run.
 * `ENDED` of each are ended in turns, at most `PER_SECOND` per second, while all others keep waiting. Times are from the end as
 * recorded by the server to the answer.
 */
const AGENTS = Number(process.env['AGENTS'] ?? 1_000);
const ENDED = Math.min(AGENTS, Number(process.env['ENDED'] ?? 300));
const PER_SECOND = Number(process.env['PER_SECOND'] ?? 8);
/** Longer than one poll is held, so that every agent has asked again. */
const WATCH_MS = 40_000;

const world = await startParts({ isFull: false, instances: 1 });
const [proposeUrl = ''] = world.urls.propose;
const [reviewUrl = ''] = world.urls.review;
const apiKey = world.deployment.credentials['agent-1'];
const agent = new Holdpoint({ url: proposeUrl, apiKey });
const reviewer = new Holdpoint({ url: reviewUrl, apiKey: world.deployment.credentials['ops-1'] });
try {
  await untilReady();
  const bare = await openBare(world.temporalAddress, world.target.url);
  const connection = await Connection.connect({ address: world.temporalAddress });
  const handles = await startBare(new Client({ connection }));
  const reviews = await propose();
  console.error(`${reviews.length} reviews and ${handles.length} bare workflows wait`);

  await sleep(5_000);
  const before = memoryOfApi();
  const late = { held: [] as number[], bare: [] as number[] };
  const enough = new AbortController();
  const waits = [
    ...reviews.map(async (reviewId) => {
      const { review } = await agent.review(reviewId).resolution({ signal: enough.signal });
      late.held.push(Date.now() - Date.parse(review.resolvedAt ?? ''));
    }),
    ...handles.map(async (handle) => {
      await connection.withAbortSignal(enough.signal, () => handle.result());
      const at = Date.now();
      const { closeTime } = await handle.describe();
      late.bare.push(at - (closeTime?.getTime() ?? NaN));
    }),
  ];
  const waiting = Promise.all(waits.map((wait) => wait.catch(unlessOver(enough.signal))));
  const most = await mostMemoryFor(WATCH_MS);
  const mb = (kb: number): string => (kb / 1_024).toFixed(0);
  console.log(`memory of the api (RSS): ${mb(before)} MB before, at most ${mb(most)} MB with ${AGENTS} agents waiting`);
  console.log(`cost of ${AGENTS} agents in resolution(): ${mb(most - before)} MB`);
  await endSome(reviews.slice(0, ENDED), handles);
  const allCame = async () => {
    while (late.held.length < ENDED || late.bare.length < ENDED) await sleep(100);
  };
  await Promise.race([waiting, allCame()]);
  enough.abort();
  await waiting;
  await connection.close();
  await bare.close();

  const [held, plain] = [late.held, late.bare].map((values) => ({ ...quantilesOf(values), p95: at95(values) }));
  console.log(`end → answer, ms                 median      p95      p99`);
  console.log(row('resolution() through Holdpoint', held));
  console.log(row('handle.result() of bare Temporal', plain));
} finally {
  await world.close();
}

interface Spread {
  readonly median: number;
  readonly p95: number;
  readonly p99: number;
}

function row(name: string, spread: Spread | undefined): string {
  const cells = [spread?.median, spread?.p95, spread?.p99].map((value) => (value ?? NaN).toFixed(0).padStart(9));
  return `${name.padEnd(33)}${cells.join('')}`;
}

function at95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? NaN;
}

async function untilReady(): Promise<void> {
  while (
    (await fetch(`${proposeUrl}/readyz`).then(
      ({ status }) => status,
      () => 0,
    )) !== 200
  ) {
    await sleep(200);
  }
}

/** As many calls, all of them held. */
async function propose(): Promise<readonly string[]> {
  const ids: string[] = [];
  while (ids.length < AGENTS) {
    const calls = Array.from({ length: Math.min(25, AGENTS - ids.length) }, () => ({
      service: 'bank',
      tool: 'bank.pay',
      arguments: { ref: randomUUID() },
    }));
    for (const result of (await agent.executeBatch(calls)).results) {
      // What a busy server had no time for is proposed again, as another call.
      if (!(result instanceof Error) && result.escalated) ids.push(result.reviewId);
    }
  }
  for (const id of ids) while ((await reviewer.reviews.get(id)).call.digest === null) await sleep(50);
  return ids;
}

async function startBare(client: Client): Promise<readonly WorkflowHandle[]> {
  const handles: WorkflowHandle[] = [];
  while (handles.length < AGENTS) {
    const starts = Array.from({ length: Math.min(25, AGENTS - handles.length) }, () =>
      client.workflow.start('bareGate', { taskQueue: 'bare', workflowId: `bare-${randomUUID()}` }),
    );
    handles.push(...(await Promise.all(starts)));
  }
  return handles;
}

/** Those that were not ended give up when there has been enough; any other failure is one of the run. */
function unlessOver(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

/** Ends a review and a bare workflow in turns, the next when the last has been taken: a busy machine is slower. */
async function endSome(reviews: readonly string[], handles: readonly WorkflowHandle[]): Promise<void> {
  for (const [n, reviewId] of reviews.entries()) {
    const pace = sleep(1_000 / PER_SECOND);
    await reject(reviewId);
    await handles[n]?.signal('decide', 'no');
    await pace;
  }
}

/** Again where a connection broke, unless the first one counted. */
async function reject(reviewId: string): Promise<void> {
  for (;;) {
    const { status, call } = await reviewer.reviews.get(reviewId);
    if (status !== 'pending') return;
    try {
      await reviewer.reviews.decide(reviewId, { type: 'reject', digest: call.digest ?? '', comment: 'no' });
      return;
    } catch (error) {
      if (!(error instanceof HoldpointError) || !(error.retryable || error.code === 'already_resolved')) throw error;
    }
  }
}

function memoryOfApi(): number {
  return Number(
    execFileSync('ps', ['-o', 'rss=', '-p', String(world.processes['propose-1'].pid())], { encoding: 'utf8' }),
  );
}

async function mostMemoryFor(ms: number): Promise<number> {
  let most = 0;
  for (const end = performance.now() + ms; performance.now() < end; await sleep(250)) {
    most = Math.max(most, memoryOfApi());
  }
  return most;
}

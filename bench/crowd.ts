import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { Holdpoint } from '../src/client/index.ts';
import { startApart, type Apart } from './gate/apart.ts';
import { startTarget } from './gate/deployment.ts';
import { callThrough, propose } from './gate/holdpoint.ts';
import { median, quantilesOf } from './gate/measure.ts';

/**
 * What it costs calls that `AGENTS` (200) agents wait in `resolution()` and `REVIEWERS` (50) have the inbox open, which is
 * one event stream each: `PER_SECOND` (20) reversible calls a second, each begun on time whether or not the last has been
 * answered, with the crowd and without it in turns. Parts apart on PostgreSQL. `ROUNDS` (3) of `WINDOW` (15,000) ms.
 */
const AGENTS = Number(process.env['AGENTS'] ?? 200);
const REVIEWERS = Math.min(50, Number(process.env['REVIEWERS'] ?? 50));
const PER_SECOND = Number(process.env['PER_SECOND'] ?? 20);
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const WINDOW_MS = Number(process.env['WINDOW'] ?? 15_000);

interface Figures {
  readonly median: number;
  readonly p99: number;
  /** CPU of the api, of one core; resident memory, MB. */
  readonly cpu: number;
  readonly memory: number;
}

const target = await startTarget();
const apart = await startApart(target.url);
const streams = new Agent({ connections: REVIEWERS });
try {
  const reviewIds: string[] = [];
  while (reviewIds.length < AGENTS) reviewIds.push(await propose(apart.keys));
  await measure(apart);
  const alone: Figures[] = [];
  const crowded: Figures[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    alone.push(await measure(apart));
    const over = new AbortController();
    setMaxListeners(0, over.signal);
    const crowd = gather(apart, reviewIds, over.signal);
    // Every stream has caught up, and every agent waits.
    await sleep(3_000);
    crowded.push(await measure(apart));
    over.abort();
    await crowd;
  }
  console.log(`${PER_SECOND} calls a second`.padEnd(34) + 'without  with the crowd   ratio');
  for (const [name, key] of [
    ['one call, ms, median', 'median'],
    ['one call, ms, p99', 'p99'],
    ['CPU of the api, of one core', 'cpu'],
    ['memory of the api, MB', 'memory'],
  ] as const) {
    const [without, beside] = [alone, crowded].map((of) => median(of.map((figures) => figures[key]))) as [
      number,
      number,
    ];
    console.log(
      `${name.padEnd(34)}${without.toFixed(2).padStart(7)}${beside.toFixed(2).padStart(16)}${(beside / without).toFixed(2).padStart(8)}`,
    );
  }
} finally {
  await streams.close();
  await apart.close();
  await target.close();
}

async function measure({ keys, memoryOf, cpuOf }: Apart): Promise<Figures> {
  const times: number[] = [];
  let failure: Error | undefined;
  const calls: Promise<unknown>[] = [];
  const from = performance.now();
  const cpu = cpuOf('api');
  for (let n = 0; performance.now() - from < WINDOW_MS; n += 1) {
    const begun = performance.now();
    const call = callThrough(keys).then(() => times.push(performance.now() - begun));
    calls.push(call.catch((error: unknown) => (failure ??= new Error('a call failed', { cause: error }))));
    await sleep(Math.max(0, ((n + 1) * 1_000) / PER_SECOND - (performance.now() - from)));
  }
  await Promise.all(calls);
  if (failure !== undefined) throw failure;
  const used = (cpuOf('api') - cpu) / ((performance.now() - from) / 1_000);
  return { ...quantilesOf(times), cpu: used, memory: memoryOf('api') };
}

/** Until `signal` is aborted. */
async function gather(
  { keys, reviewerTokens }: Apart,
  reviewIds: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const agent = new Holdpoint({ url: keys.url, apiKey: keys.agentKey });
  const unlessOver = (error: unknown): void => {
    if (!signal.aborted) throw error;
  };
  const waits = reviewIds.map((id) =>
    agent
      .review(id)
      .resolution({ signal })
      .then(() => undefined, unlessOver),
  );
  const pages = reviewerTokens.slice(0, REVIEWERS).map(async (token) => {
    const headers = { authorization: `Bearer ${token}` };
    const { body, statusCode } = await request(`${keys.url}/v1/events`, { headers, signal, dispatcher: streams });
    if (statusCode !== 200) throw new Error(`an event stream was refused: ${statusCode}`);
    await body.dump({ limit: Infinity });
  });
  await Promise.all([...waits, ...pages.map((page) => page.catch(unlessOver))]);
}

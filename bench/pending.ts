import pg from 'pg';
import { createStore } from '../src/storage/store.ts';
import { startApart, PART_NAMES } from './gate/apart.ts';
import { startTarget } from './gate/deployment.ts';
import { openHoldpoint, propose, readList } from './gate/holdpoint.ts';
import { measureCalls, measureLatency, measureRate } from './gate/measure.ts';
import { addReviews } from './grown/generate.ts';

/**
 * What more pending reviews cost, parts apart on PostgreSQL: the same figures with each number of them in `PENDING`
 * (default 0, 10,000 and 100,000), in one run. The first `REAL` (10,000) are proposed, each with its workflow; the others are
 * rows alone, copied in bulk, and not in the ledger: a sweep would find that Temporal does not have them. What the ledger
 * and the log cost when they are long is measured by `npm run bench grown`.
 */
const STEPS = (process.env['PENDING'] ?? '0,10000,100000').split(',').map(Number);
const REAL = Number(process.env['REAL'] ?? 10_000);
const CALLS = Number(process.env['CALLS'] ?? 100);
const CLIENTS = Number(process.env['CLIENTS'] ?? 20);

const target = await startTarget();
const apart = await startApart(target.url);
const door = openHoldpoint(apart.keys);
const lines: string[][] = [];
try {
  await measureRate(() => door.gate(), CLIENTS, 2 * CALLS);
  let there = 0;
  for (const step of STEPS) {
    await measureRate(() => propose(apart.keys), CLIENTS, Math.min(REAL, step) - Math.min(REAL, there));
    if (step > REAL) await addRows(Math.max(REAL, there), step);
    there = step;
    lines.push([`${step} (${Math.min(REAL, step)} with a workflow)`, ...(await measure())]);
    console.error(lines.at(-1)?.join(' · '));
  }
  const names = [
    'pending',
    'propose → pending, ms',
    'decision → executed, ms',
    '– p99',
    `gates/s, ${CLIENTS} clients`,
    'inbox, ms',
    'by tool, ms',
    ...PART_NAMES.map((name) => `${name}, MB`),
    ...PART_NAMES.map((name) => `${name} starts, s`),
  ];
  for (const [n, name] of names.entries()) {
    console.log(name.padEnd(26) + lines.map((line) => (line[n] ?? '').padEnd(32)).join(''));
  }
} finally {
  await door.close();
  await apart.close();
  await target.close();
}

async function addRows(from: number, to: number): Promise<void> {
  const store = await createStore({ databaseUrl: apart.databaseUrl });
  const client = new pg.Client({ connectionString: apart.databaseUrl });
  await client.connect();
  const query = async <Row>(sql: string, parameters: readonly unknown[] = []) =>
    (await client.query(sql, [...parameters])).rows as Row[];
  await addReviews(query, store, 'pending', { from, to, isInLedger: false });
  await client.end();
  await store.close();
}

async function measure(): Promise<readonly string[]> {
  const { pending, decided } = await measureLatency(door, CALLS);
  const rate = await measureRate(() => door.gate(), CLIENTS, CALLS);
  const inbox = await measureCalls(() => readList(apart.keys, 'status=pending&approver=me&limit=50'), 20);
  const filtered = await measureCalls(() => readList(apart.keys, 'tool=payouts.create&limit=50'), 20);
  const memory = PART_NAMES.map((name) => apart.memoryOf(name).toFixed(0));
  const starts: string[] = [];
  for (const name of PART_NAMES) {
    const from = performance.now();
    await apart.restart(name);
    // A part that says that it is ready, and does not do its work, has not started.
    await door.gate();
    starts.push(((performance.now() - from) / 1_000).toFixed(1));
  }
  const figures = [pending.median, decided.median, decided.p99, rate, inbox.median, filtered.median];
  return [...figures.map((value) => value.toFixed(1)), ...memory, ...starts];
}

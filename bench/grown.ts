import pg from 'pg';
import { createSweep, lostReviews } from '../src/activities/lost-reviews.ts';
import { auditEntries } from '../src/api/service/audit.ts';
import { Lane } from '../src/api/service/scan.ts';
import type { EntriesQuery } from '../src/contract/audit-query.ts';
import type { ListFilter, Store } from '../src/ports/store.ts';
import type { Query } from '../src/storage/database/database.ts';
import { createStore } from '../src/storage/store.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { addReviews, writeLog } from './grown/generate.ts';
import { measureCalls } from './gate/measure.ts';
import { commitGate } from './gate/commit-gate.ts';
import { reviewIdOf } from '../test/support/storage-fixtures.ts';

/**
 * What the database part costs when it has grown, on PostgreSQL: pages of the lists, the search of the audit view, one turn
 * of the sweep, and the commits of a gate, with each number of pending reviews in `PENDING` (default 0, 10,000 and 100,000),
 * then with `ENDED` (default 1,000,000) that have ended and their log beside them; at last `audit erase` of a tenth. The rows
 * are generated in bulk: see {@link addReviews}. Medians, ms.
 */
const STEPS = (process.env['PENDING'] ?? '0,10000,100000').split(',').map(Number);
const ENDED = Number(process.env['ENDED'] ?? 1_000_000);
const ROUNDS = 30;
const PAGE = 50;

const LISTS: Readonly<Record<string, ListFilter>> = {
  'inbox (approver=me)': { approverGroups: ['ops'] },
  'status=pending': { status: ['pending'] },
  'status=approved': { status: ['approved'] },
  'tool=…': { tool: 'payouts.create3' },
  'proposer=…': { proposer: 'agent-7' },
  'execution=outcome_unknown': { execution: 'outcome_unknown' },
  'no filter': {},
};

const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString();
const SEARCHES: Readonly<Record<string, EntriesQuery>> = {
  'no filter': {},
  'one review': { reviewId: 'rev_00000000000000000000000777' },
  'a type that is rare': { type: 'reconciled' },
  'a person': { person: 'agent-7' },
  'a person who is not there': { person: 'ops-9' },
  'a week, half a year ago': { since: day(187), until: day(180) },
  'a word that is not there': { q: 'nowhere' },
};
const SCAN = { owner: 'bench', signal: new AbortController().signal, charge: async () => undefined };

const postgres = await startPostgres();
const database = await postgres.createDatabase();
const store = await createStore({ databaseUrl: postgres.url(database) });
const client = new pg.Client({ connectionString: postgres.url(database) });
await client.connect();
// Ledger rows that begin as ended: the guards of the ledger refuse those.
await client.query('SET session_replication_role = replica');
const query: Query = async <Row>(sql: string, parameters: readonly unknown[] = []) =>
  (await client.query(sql, [...parameters])).rows as Row[];
const columns: string[] = [];
const rows = new Map<string, string[]>();
let gates = 0;
try {
  let there = 0;
  for (const step of STEPS) {
    if (step > there) await addReviews(query, store, 'pending', { from: there, to: step });
    there = step;
    await measure(`${step} pending`);
  }
  if (ENDED > 0) {
    const from = performance.now();
    await writeLog(query, ENDED);
    await addReviews(query, store, 'ended', { from: there, to: there + ENDED });
    console.error(`${ENDED} ended reviews written in ${seconds(from)} s`);
    await measure(`and ${ENDED} ended`);
  }
  print();
  if (ENDED > 0) await erase();
} finally {
  await client.end();
  await store.close();
  postgres.stop();
}

async function measure(column: string): Promise<void> {
  columns.push(column);
  for (const [name, filter] of Object.entries(LISTS)) {
    await note(name, () => store.listReviews(filter, PAGE));
  }
  const turn = createSweep(lostReviews(async () => undefined));
  await note('sweep, one turn (database part)', () =>
    turn({
      store,
      settings: undefined as never,
      clock: { now: () => Date.now() },
      isRunning: async () => true,
      report: () => undefined,
    }),
  );
  await note('four commits of a gate', () => commitGate(store, reviewIdOf((gates += 1), 30)));
  const context = { store, scans: new Lane() };
  for (const [name, search] of Object.entries(SEARCHES)) {
    const first = { limit: PAGE, order: 'desc', ...search } as const;
    await note(`log, ${name}: first answer`, () => auditEntries(context, first, SCAN), 3);
    const from = performance.now();
    const answers = await searchAll(context, first);
    cell(`log, ${name}: a page of ${PAGE}, or the whole log`, `${seconds(from)} s in ${answers}`);
  }
}

/** How many answers a page takes, or that there is none. Gives up after a minute. */
async function searchAll(context: { store: Store; scans: Lane }, search: EntriesQuery): Promise<string> {
  const until = performance.now() + 60_000;
  let from: number | undefined;
  let found = 0;
  for (let answers = 1; ; answers += 1) {
    const page = await auditEntries(context, { ...search, ...(from === undefined ? {} : { from }) }, SCAN);
    found += page.entries.length;
    if (found >= PAGE || page.nextFrom === null) return `${answers} answers`;
    if (performance.now() > until) return `${answers} answers, not through`;
    from = page.nextFrom;
  }
}

async function note(name: string, call: () => Promise<unknown>, rounds = ROUNDS): Promise<void> {
  const { median } = await measureCalls(async () => void (await call()), rounds);
  cell(name, median.toFixed(2));
}

function cell(name: string, text: string): void {
  rows.set(name, [...(rows.get(name) ?? []), text]);
  console.error(`${columns.at(-1)}: ${name} ${text}`);
}

function print(): void {
  for (const line of [['ms, median', ...columns], ...[...rows].map(([name, cells]) => [name, ...cells])]) {
    console.log(line.map((text, n) => text.padEnd(n === 0 ? 56 : 20)).join(' '));
  }
}

/** The oldest tenth; the longest batch is the longest time that a row is locked. */
async function erase(): Promise<void> {
  const from = performance.now();
  let last = from;
  let longest = 0;
  const erased = await store.erase(day(365 * 0.9), () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  });
  console.log(`audit erase: ${erased} reviews in ${seconds(from)} s, longest batch ${longest.toFixed(0)} ms`);
}

function seconds(from: number): string {
  return ((performance.now() - from) / 1_000).toFixed(1);
}

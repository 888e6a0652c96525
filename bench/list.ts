import type { ListFilter, Store } from '../src/ports/store.ts';
import { createStore } from '../src/storage/store.ts';
import { AT, reviewIdOf, reviewOf, stateWrite } from '../test/support/storage-fixtures.ts';

/**
 * The first page of the list with 10 and with 10,000 pending reviews: median ms of each, and the ratio. Half of the
 * reviews are one group's: a page of five is full with either number, so both read as much. `DATABASE_URL` measures a
 * server (an empty database: its rows stay); otherwise the embedded database, in memory.
 */
const SMALL = 10;
const LARGE = 10_000;
const ROUNDS = 200;
const PAGE = 5;

const PAGES: Readonly<Record<string, ListFilter>> = {
  'status=pending': { status: ['pending'] },
  'approver=me': { approverGroups: ['ops'] },
  'approver=me, two groups': { approverGroups: ['finance', 'ops'] },
  'tool=…': { tool: 'github.repos.delete', status: ['pending'] },
  'proposer=…': { proposer: 'cleanup-agent' },
  'no filter': {},
};

async function fill(store: Store, from: number, to: number): Promise<void> {
  const writes = Array.from({ length: to - from }, (_, i) => {
    const n = from + i;
    const review = reviewOf(reviewIdOf(n), {
      expiresAt: new Date(Date.parse(AT) + ((n * 7_919) % 86_400) * 1_000).toISOString(),
      levels: [
        {
          name: 'one',
          approvers: [n % 2 === 0 ? 'ops' : 'finance'],
          quorum: 1,
          escalation: null,
          status: 'open',
          decisions: [],
        },
      ],
    });
    return store.commit({ entries: [], review: stateWrite(review) });
  });
  await Promise.all(writes);
}

async function medians(store: Store): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, filter] of Object.entries(PAGES)) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const from = performance.now();
      const page = await store.listReviews(filter, PAGE);
      times.push(performance.now() - from);
      if (page === undefined || page.rows.length !== PAGE) throw new Error(`${name}: not a full page`);
    }
    found[name] = times.toSorted((a, b) => a - b)[ROUNDS / 2] ?? 0;
  }
  return found;
}

const url = process.env['DATABASE_URL'];
const store = await createStore(url === undefined ? { inMemory: true } : { databaseUrl: url });
await fill(store, 0, SMALL);
await medians(store);
const small = await medians(store);
await fill(store, SMALL, LARGE);
const large = await medians(store);
console.log(`first page of ${PAGE}, median of ${ROUNDS}, ms: ${SMALL} pending → ${LARGE} pending (ratio)`);
for (const name of Object.keys(PAGES)) {
  const [few = 0, many = 0] = [small[name], large[name]];
  console.log(`${name.padEnd(24)} ${few.toFixed(3)} → ${many.toFixed(3)} (${(many / few).toFixed(2)})`);
}
await store.close();

import { createStore } from '../../src/storage/store.ts';
import { claiming, proposal, reviewIdOf } from './storage-fixtures.ts';

/**
 * Child of the crash test: opens the embedded database in HOLDPOINT_TEST_DIR and writes without end, four at a time.
 * Prints a line for every commit that was acknowledged: `open N`, `claim N`.
 */
const dataDir = process.env['HOLDPOINT_TEST_DIR'];
if (dataDir === undefined) throw new Error('HOLDPOINT_TEST_DIR is not set');
const store = await createStore({ dataDir });
let next = Number(process.env['HOLDPOINT_TEST_FROM'] ?? 0);
process.stdout.write('ready\n');
const write = async () => {
  for (;;) {
    const n = next++;
    const opened = await store.commit(proposal(reviewIdOf(n)));
    if (opened.ok) process.stdout.write(`open ${n}\n`);
    const claimed = await store.commit({ ledger: claiming(reviewIdOf(n)), entries: [] });
    if (claimed.ok) process.stdout.write(`claim ${n}\n`);
  }
};
await Promise.all([write(), write(), write(), write()]);

import { createStore } from '../src/storage/store.ts';
import { reviewIdOf } from '../test/support/storage-fixtures.ts';
import { commitGate } from './gate/commit-gate.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * What the storage of one hard gate costs: four commits (proposed and classified; decided; claimed; finished), one
 * gate after the other and with 20 at once. Prints ms of CPU and of time per commit. `DATABASE_URL` measures a server.
 */
const GATES = Number(process.env['GATES'] ?? 1_000);

async function measure(name: string, work: () => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  await work();
  const took = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  const commits = GATES * 4;
  console.log(
    `${name}: ${(took / commits).toFixed(3)} ms and ${((user + system) / 1_000 / commits).toFixed(3)} ms CPU per commit, ` +
      `${Math.round((GATES * 1_000) / took)} gates/s`,
  );
}

const url = process.env['DATABASE_URL'];
const dataDir = mkdtempSync(join(tmpdir(), 'holdpoint-bench-'));
const store = await createStore(url === undefined ? { dataDir } : { databaseUrl: url });
const series = 1 + (Date.now() % 20);
for (let n = 0; n < 200; n += 1) await commitGate(store, reviewIdOf(n, 0 + series));
await measure('one after the other', async () => {
  for (let n = 0; n < GATES; n += 1) await commitGate(store, reviewIdOf(10_000 + n, series));
});
await measure('20 at once', async () => {
  let n = 0;
  const worker = async () => {
    while (n < GATES) await commitGate(store, reviewIdOf(100_000 + n++, series));
  };
  await Promise.all(Array.from({ length: 20 }, worker));
});
await store.close();
rmSync(dataDir, { recursive: true, force: true });

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { appendLeaves, EMPTY_RANGE, hashEntry, hashToBase64 } from '../../src/domain/proof/tree.ts';
import { createStore } from '../../src/storage/store.ts';
import { reviewIdOf } from '../support/storage-fixtures.ts';
import { temporaryFolder } from '../support/stores.ts';

const RUNNER = `
  const { runnerImport } = await import('vite');
  await runnerImport(process.argv[1], { configFile: false, logLevel: 'error' });
`;
const WRITER = new URL('../support/storage-writer.ts', import.meta.url).pathname;

/** Lets the writer run until it has acknowledged some commits, then kills it in the middle of others. */
async function writeAndKill(dataDir: string, from: number, acknowledged: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', RUNNER, WRITER], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, HOLDPOINT_TEST_DIR: dataDir, HOLDPOINT_TEST_FROM: String(from) },
  });
  const gone = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== 'ready') lines.push(line);
    if (lines.length >= acknowledged) child.kill('SIGKILL');
  }
  await gone;
  return lines;
}

it('three kill -9 in the middle of writing lose no acknowledged commit, and the log stays whole', async () => {
  const dataDir = temporaryFolder();
  const acknowledged: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    acknowledged.push(...(await writeAndKill(dataDir, 100_000 * round, 150 + 37 * round)));

    const store = await createStore({ dataDir });
    for (const line of acknowledged) {
      const [what, n] = line.split(' ');
      const row = await store.readLedger(reviewIdOf(Number(n)));
      expect(what === 'claim' ? row?.state : row?.state !== undefined).toBe(what === 'claim' ? 'claimed' : true);
    }
    const entries = await store.entries(0, 100_000);
    const { root } = appendLeaves(
      EMPTY_RANGE,
      entries.map(({ entry }) => hashEntry(entry)),
    );
    expect(await store.head()).toEqual({ size: entries.length, root: hashToBase64(root) });
    expect(entries.map(({ index }) => index)).toEqual(entries.map((_, i) => i));
    await store.close();
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(3 * 150);
});

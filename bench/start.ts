import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageFile } from '../src/cli/embedded/cache.ts';
import { findTemporalCli } from '../src/cli/embedded/temporal-cli.ts';
import { startTemporalServer } from '../src/cli/embedded/temporal-server.ts';
import { prepareHoldpoint } from '../test/support/holdpoint.ts';
import { freePort } from '../test/support/ports.ts';
import { median } from './gate/measure.ts';

/**
 * How long a warm start takes until `/readyz` answers 200, beside what it waits for: a bare Temporal dev server on the same
 * file, and the loading of the code. `ROUNDS` (7) of each, in turns.
 */
const ROUNDS = Number(process.env['ROUNDS'] ?? 7);

const holdpoint = await prepareHoldpoint();
const [port, binary] = [await freePort(), await findTemporalCli(process.env, console.error)];
const code = pathToFileURL(packageFile('dist', 'cli', 'dev', 'start-dev.js')).href;

async function startServer(): Promise<() => Promise<void>> {
  const databaseFile = join(holdpoint.dataDir, 'temporal.db');
  const at = { databaseFile, port, uiPort: null, logFile: null, pidFile: null };
  const server = await startTemporalServer({ binary, ...at, say: console.error });
  return server.stop;
}

async function startAll(): Promise<() => Promise<unknown>> {
  await holdpoint.start();
  return holdpoint.stop;
}

async function loadCode(): Promise<() => Promise<void>> {
  execFileSync(process.execPath, ['--input-type=module', '--eval', `await import('${code}'); process.exit()`]);
  return () => Promise.resolve();
}

const STARTS = { 'npm start': startAll, 'Temporal alone': startServer, 'loading the code': loadCode };

const times = new Map(Object.keys(STARTS).map((name) => [name, [] as number[]]));
try {
  await (
    await startAll()
  )();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, start] of Object.entries(STARTS)) {
      const from = performance.now();
      const stop = await start();
      times.get(name)?.push(performance.now() - from);
      await stop();
    }
  }
} finally {
  await holdpoint.destroy();
}
const whole = median(times.get('npm start') ?? []);
console.log(`warm, median of ${ROUNDS}, ms (of the whole)`);
for (const [name, all] of times) {
  console.log(`${name.padEnd(18)} ${median(all).toFixed(0).padStart(6)} (${(median(all) / whole).toFixed(2)})`);
}

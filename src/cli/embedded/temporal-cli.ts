import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { StartError } from '../start-error.ts';
import { cacheDir, isExecutable, packageFile, type Environment } from './cache.ts';
import { lockFile } from './file-lock.ts';
import { runCommand } from './processes.ts';
import { downloadThroughSdk, NoSourceError, takeFirstSource, type Found, type Source } from './sources.ts';

/** Same version as in tools/temporal/go.mod. */
export const TEMPORAL_CLI_VERSION = '1.8.2';
/** Older servers lack user metadata (what the Web UI shows of a review) or eager start. */
const OLDEST_SERVER = '1.27.0';
const BUILD_TIMEOUT_MS = 30 * 60_000;

type Say = (line: string) => void;

/**
 * Path of a Temporal CLI that can run a dev server: `TEMPORAL_CLI`, else from the PATH, the cache, the SDK's download, or
 * a build of the Go module in this package. Reports which one is used and why the earlier ones were not.
 *
 * Throws `setting_invalid` if `TEMPORAL_CLI` is not a usable CLI, `temporal_missing` if no source works.
 */
export async function findTemporalCli(env: Environment, say: Say): Promise<string> {
  const given = env.TEMPORAL_CLI;
  if (given !== undefined && given !== '') {
    const found = await check(given);
    if (!found.ok) throw new StartError('setting_invalid', `TEMPORAL_CLI is ${given}: ${found.why}`);
    say(`Temporal: using TEMPORAL_CLI (${given})`);
    return given;
  }
  const directory = cacheDir(env, 'temporal-cli', TEMPORAL_CLI_VERSION);
  const cached = join(directory, 'temporal');
  const onPath: Source = { name: 'the PATH', get: () => lookUpPath(env) };
  const inCache: Source = { name: `the cache (${cached})`, get: () => check(cached) };
  const here = (await onPath.get()).ok || (await inCache.get()).ok;
  if (here) return takeFirstSource('Temporal', [onPath, inCache], say);

  // Two first starts at once must not both build, or write the same file.
  const lock = await lockFile(`${directory}.lock`, `process ${process.pid}`, (holder) =>
    say(`Temporal: waiting for ${holder} to finish getting it`),
  );
  try {
    const sources: Source[] = [
      onPath,
      inCache,
      {
        name: "the SDK's download",
        get: () => downloadThroughSdk('cli', `v${TEMPORAL_CLI_VERSION}`, cached, (line) => say(`Temporal: ${line}`)),
      },
      { name: 'a build from its Go module', get: () => build(cached, env, say) },
    ];
    return await takeFirstSource('Temporal', sources, say);
  } catch (error) {
    if (!(error instanceof NoSourceError)) throw error;
    throw new StartError(
      'temporal_missing',
      `${error.message}\nInstall the Temporal CLI (https://docs.temporal.io/cli) or Go 1.26, or set TEMPORAL_CLI to a ` +
        `binary, or TEMPORAL_ADDRESS to a running server.`,
      { cause: error },
    );
  } finally {
    lock.release();
  }
}

async function lookUpPath(env: Environment): Promise<Found> {
  for (const directory of (env.PATH ?? '').split(delimiter)) {
    const path = join(directory, 'temporal');
    if (directory !== '' && isExecutable(path)) return check(path);
  }
  return { ok: false, why: 'no `temporal` there' };
}

/** Runs `--version`, to reject files for another platform and old servers. */
async function check(path: string): Promise<Found> {
  if (!isExecutable(path)) return { ok: false, why: 'not an executable' };
  const result = await runCommand(path, ['--version'], { timeoutMs: 20_000 });
  if (!result.ok) return { ok: false, why: `it does not run (${result.why})` };
  const server = /Server (\d+\.\d+\.\d+)/.exec(result.stdout)?.[1];
  if (server === undefined) return { ok: false, why: 'it is not the Temporal CLI' };
  const isOlder = server.localeCompare(OLDEST_SERVER, 'en', { numeric: true }) < 0;
  if (isOlder) return { ok: false, why: `its server ${server} is older than ${OLDEST_SERVER}` };
  return { ok: true, path };
}

async function build(target: string, env: Environment, say: Say): Promise<Found> {
  const go = await runCommand('go', ['version'], { timeoutMs: 60_000 });
  if (!go.ok) return { ok: false, why: go.why };
  const incoming = mkdtempSync(join(dirname(target), 'build-'));
  try {
    say(`Temporal: building ${TEMPORAL_CLI_VERSION} with ${go.stdout.trim()}, once; this takes a few minutes`);
    const output = join(incoming, 'temporal');
    const result = await runCommand(
      'go',
      ['build', '-trimpath', '-o', output, 'github.com/temporalio/cli/cmd/temporal'],
      {
        cwd: packageFile('tools', 'temporal'),
        env: { ...env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
        timeoutMs: BUILD_TIMEOUT_MS,
        onProgress: (_, ms) => say(`Temporal: still building (${Math.round(ms / 1000)} s)`),
      },
    );
    if (!result.ok) return { ok: false, why: result.why };
    const built = await check(output);
    if (!built.ok) return built;
    renameSync(output, target);
    return { ok: true, path: target };
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}

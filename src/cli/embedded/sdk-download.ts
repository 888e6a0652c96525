import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { keepDownload, packageFile } from './cache.ts';
import { runCommand } from './run-command.ts';
import type { Found } from './ways.ts';

const DOWNLOAD_HOST = 'https://temporal.download';
const REACH_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 180_000;

/**
 * Lets the SDK download a server to `target`. Bounded in time twice: a host that does not answer is given up after 5 s
 * (behind a firewall that drops packets the SDK would wait for minutes), a download after 3 minutes.
 */
export async function downloadThroughSdk(
  what: 'cli' | 'test-server',
  version: string,
  target: string,
  say: (line: string) => void,
): Promise<Found> {
  try {
    await fetch(DOWNLOAD_HOST, { method: 'HEAD', signal: AbortSignal.timeout(REACH_TIMEOUT_MS) });
  } catch (error) {
    return { ok: false, why: `${DOWNLOAD_HOST} cannot be reached (${describe(error)})` };
  }
  const directory = mkdtempSync(`${target}.download-`);
  try {
    say(`Downloading ${what} ${version} from ${DOWNLOAD_HOST}`);
    const result = await runCommand(
      process.execPath,
      [packageFile('tools', 'download-server.mjs'), what, version, directory],
      { timeoutMs: DOWNLOAD_TIMEOUT_MS, onProgress: (_, ms) => say(`still downloading (${Math.round(ms / 1000)} s)`) },
    );
    if (!result.ok) return { ok: false, why: result.why };
    return keepDownload(directory, target) ? { ok: true, path: target } : { ok: false, why: 'nothing was downloaded' };
  } finally {
    rmSync(join(directory), { recursive: true, force: true });
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  const cause = error.cause;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return error.name;
}

import { chmodSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageFile } from './cache.ts';
import { runCommand } from './processes.ts';

/** A place to get a program from. */
export interface Source {
  /** Completes "using …", e.g. `the PATH`. */
  readonly name: string;
  /** Does not throw: `why` says why this source cannot be used. */
  get(): Promise<Found>;
}
export type Found = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly why: string };

/** No source worked; `tried` says why for each. */
export class NoSourceError extends Error {
  override readonly name = 'NoSourceError';
  readonly tried: readonly string[];
  constructor(what: string, tried: readonly string[]) {
    super(`No ${what}:\n${tried.map((line) => `  - ${line}`).join('\n')}`);
    this.tried = tried;
  }
}

/** Tries the sources in order; reports which one is used and why the earlier ones were not. */
export async function takeFirstSource(
  what: string,
  sources: readonly Source[],
  say: (line: string) => void,
): Promise<string> {
  const tried: string[] = [];
  for (const source of sources) {
    const found = await source.get();
    if (found.ok) {
      if (tried.length > 0) say(`${what}: using ${source.name} (${tried.join('; ')})`);
      else say(`${what}: using ${source.name}`);
      return found.path;
    }
    tried.push(`${source.name}: ${found.why}`);
  }
  throw new NoSourceError(what, tried);
}

const DOWNLOAD_HOST = 'https://temporal.download';
const REACH_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 180_000;

/**
 * Lets the SDK download a server to `target`. Gives up after 5 s if the host does not answer (behind a firewall that drops
 * packets the SDK would wait for minutes), and after 3 minutes of downloading.
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
    rmSync(directory, { recursive: true, force: true });
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  const cause = error.cause;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return error.name;
}

/** Makes the downloaded file executable and moves it to its final name in one step. */
function keepDownload(downloadDir: string, target: string): boolean {
  const file = readdirSync(downloadDir).find((name) => !name.endsWith('.downloading'));
  if (file === undefined) return false;
  chmodSync(join(downloadDir, file), 0o755);
  renameSync(join(downloadDir, file), target);
  return true;
}

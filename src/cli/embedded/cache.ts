import { accessSync, chmodSync, constants, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where built and downloaded servers are kept, by name and version; shared by every checkout of this user. */
export function cacheDir(env: Environment, name: string, version: string): string {
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(homedir(), '.cache');
  const dir = join(base, 'holdpoint', name, version);
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** A file that ships in the npm package beside `src` and `dist`. */
export function packageFile(...parts: string[]): string {
  return join(fileURLToPath(new URL('../../..', import.meta.url)), ...parts);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The one file of a download directory, made executable under its final name in one step. */
export function keepDownload(downloadDir: string, target: string): boolean {
  const file = readdirSync(downloadDir).find((name) => !name.endsWith('.downloading'));
  if (file === undefined) return false;
  chmodSync(join(downloadDir, file), 0o755);
  renameSync(join(downloadDir, file), target);
  return true;
}

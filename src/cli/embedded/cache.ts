import { accessSync, constants, mkdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where built and downloaded servers are kept, by name and version; shared by all checkouts of this user. */
export function cacheDir(env: Environment, name: string, version: string): string {
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(homedir(), '.cache');
  const dir = join(base, 'holdpoint', name, version);
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** A file of the npm package, outside `src` and `dist`. */
export function packageFile(...parts: string[]): string {
  return join(fileURLToPath(new URL('../../..', import.meta.url)), ...parts);
}

/** Version of this Holdpoint. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { readonly version: string };
  return version;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

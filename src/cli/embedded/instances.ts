import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from './cache.ts';
import { readRunning, type Running } from './data-dir.ts';
import { tryLockFile } from './file-lock.ts';

/** A Holdpoint that this user runs on this machine in one process. */
export interface Instance extends Running {
  readonly dataDir: string;
}

/**
 * Notes where the data directory of a running Holdpoint is, so that commands find it from any directory. The note is in the
 * user's own state directory, where nobody else can leave one, and locked while the process lives. Returns how to remove it.
 */
export function registerInstance(env: Environment, dataDir: string): () => void {
  const directory = directoryIn(env);
  if (directory === undefined) return () => undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, String(process.pid));
    const lock = tryLockFile(path, dataDir);
    return () => {
      rmSync(path, { force: true });
      lock?.release();
    };
  } catch {
    // A home that cannot be written to: commands then need --url or HOLDPOINT_DATA_DIR.
    return () => undefined;
  }
}

/** Those that run now. Notes of processes that were killed are removed. */
export function findInstances(env: Environment): readonly Instance[] {
  const directory = directoryIn(env);
  if (directory === undefined) return [];
  return namesIn(directory).flatMap((name): readonly Instance[] => {
    const path = join(directory, name);
    try {
      const dataDir = readFileSync(path, 'utf8');
      const lock = tryLockFile(path, '');
      if (lock !== undefined) {
        rmSync(path, { force: true });
        lock.release();
        return [];
      }
      const running = readRunning(dataDir);
      return running === undefined ? [] : [{ ...running, dataDir }];
    } catch {
      return [];
    }
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** https://specifications.freedesktop.org/basedir-spec/latest */
function directoryIn({ XDG_STATE_HOME: state, HOME: home }: Environment): string | undefined {
  if (state) return join(state, 'holdpoint', 'instances');
  return home ? join(home, '.local', 'state', 'holdpoint', 'instances') : undefined;
}

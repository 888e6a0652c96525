import { mkdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StartError } from '../start-error.ts';
import { readLockNote, tryLockFile } from './file-lock.ts';

/** The data directory, locked for this process until `release()` or its end, whichever comes first. */
export interface DataDir {
  /** Absolute, without symbolic links: two names of one directory meet the same lock. */
  readonly path: string;
  /** Log of this process. */
  readonly log: string;
  /** The demo's target database. */
  readonly demoDatabase: string;
  readonly temporalDatabase: string;
  readonly temporalLog: string;
  readonly temporalPid: string;
  readonly access: string;
  release(): void;
}

/** Throws `data_dir_locked` where another process has it, `data_dir_unusable` where it cannot be made or written. */
export function openDataDir(directory: string): DataDir {
  let path: string;
  try {
    mkdirSync(resolve(directory), { recursive: true, mode: 0o700 });
    path = realpathSync(directory);
  } catch (error) {
    throw unusable(directory, error);
  }
  const lockPath = join(path, 'lock');
  let lock;
  try {
    lock = tryLockFile(lockPath, `process ${process.pid}, since ${new Date().toISOString()}`);
  } catch (error) {
    throw unusable(directory, error);
  }
  if (!lock) {
    const holder = readLockNote(lockPath) || 'another process';
    throw new StartError(
      'data_dir_locked',
      `The data directory ${path} is in use by ${holder}. Stop that one, or set HOLDPOINT_DATA_DIR to another directory.`,
    );
  }
  const held = lock;
  return {
    path,
    log: join(path, 'holdpoint.log'),
    demoDatabase: join(path, 'demo-target'),
    temporalDatabase: join(path, 'temporal.db'),
    temporalLog: join(path, 'temporal.log'),
    temporalPid: join(path, 'temporal.pid'),
    access: join(path, 'access.json'),
    release: () => held.release(),
  };
}

function unusable(directory: string, error: unknown): StartError {
  const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
  return new StartError(
    'data_dir_unusable',
    `The data directory ${directory} cannot be used (${why}). Set HOLDPOINT_DATA_DIR to a directory you may write.`,
    { cause: error },
  );
}

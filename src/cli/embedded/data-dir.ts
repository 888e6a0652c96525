import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../../storage/keys/key-files.ts';
import { StartError } from '../start-error.ts';
import { readLockNote, tryLockFile } from './file-lock.ts';

/** The data directory, locked for this process until `release()` or until the process ends. */
export interface DataDir {
  /** Absolute and without symbolic links, so that two names of one directory share the lock. */
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

/** Throws `data_dir_locked` if another process has it, `data_dir_unusable` if it cannot be created or written. */
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
      `The data directory ${path} is in use by ${holder}. Stop that process, or set HOLDPOINT_DATA_DIR to another directory.`,
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

/** Replicas that may share a volume. */
const MOST_REPLICAS = 64;

/**
 * As {@link openDataDir}. A path that ends in `/*` stands for the first directory, from 1, that no other process has: replicas
 * share a volume, and one that is started again finds what the last one there had kept.
 */
export function openReplicaDir(directory: string): DataDir {
  if (basename(directory) !== '*') return openDataDir(directory);
  for (let n = 1; ; n += 1) {
    try {
      return openDataDir(join(dirname(directory), String(n)));
    } catch (error) {
      const isTaken = error instanceof StartError && error.code === 'data_dir_locked';
      if (!isTaken || n === MOST_REPLICAS) throw error;
    }
  }
}

const WHY_UNUSABLE: Readonly<Record<string, string>> = {
  EEXIST: 'it is a file',
  ENOTDIR: 'a part of its path is a file',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

function unusable(directory: string, error: unknown): StartError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
  const why = WHY_UNUSABLE[code] ?? code;
  return new StartError(
    'data_dir_unusable',
    `The data directory ${directory} cannot be used (${why}). Set HOLDPOINT_DATA_DIR to a directory you can write to.`,
    { cause: error },
  );
}

const runningSchema = z.strictObject({
  url: z.url(),
  configFile: z.string(),
  keysDir: z.string(),
  temporalAddress: z.string(),
});
/** Addresses and files (absolute paths) of a Holdpoint that runs in one process. */
export type Running = z.infer<typeof runningSchema>;

/** Writes `embedded.json` into the data directory, readable only by its owner. Returns a function that removes it. */
export function noteRunning(dataDir: string, running: Running): () => void {
  const path = pathIn(dataDir);
  writeFileAtomically(path, `${JSON.stringify(running)}\n`, 0o600);
  return () => rmSync(path, { force: true });
}

/** Whether a process has the data directory open. */
export function isLocked(dataDir: string): boolean {
  const path = join(dataDir, 'lock');
  if (!existsSync(path)) return false;
  const lock = tryLockFile(path, '');
  lock?.release();
  return lock === undefined;
}

/** Undefined if Holdpoint does not run there, or this user may not read the file. */
export function readRunning(dataDir: string): Running | undefined {
  try {
    return runningSchema.safeParse(JSON.parse(readFileSync(pathIn(dataDir), 'utf8'))).data;
  } catch {
    return undefined;
  }
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'embedded.json');
}

/** The token is in the fragment, which reaches no server and no log; only a script can redeem it, by POST. */
export function signInUrl(url: string, token: string): string {
  return `${url}/#token=${token}`;
}

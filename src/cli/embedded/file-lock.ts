import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from 'fs-native-extensions';

export interface FileLock {
  release(): void;
}

/**
 * Locks a file through the kernel (an open-file-description lock, `flock` on macOS). The lock ends with the process,
 * also after `kill -9`, and needs no heartbeat that a blocked event loop could miss. Children do not inherit it: Node opens
 * files close-on-exec.
 *
 * Returns undefined if another process holds it. The file stays behind; deleting it would let two processes lock two files
 * of the same name.
 */
export function tryLockFile(path: string, note: string): FileLock | undefined {
  const fd = openSync(path, 'a+', 0o600);
  if (!tryLock(fd)) {
    closeSync(fd);
    return undefined;
  }
  ftruncateSync(fd);
  writeSync(fd, note);
  return { release: () => closeSync(fd) };
}

/** What the holder wrote about itself; only for messages. */
export function readLockNote(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, 200);
  } catch {
    return '';
  }
}

/** Waits for the lock; calls `onWait` once if another process holds it. */
export async function lockFile(path: string, note: string, onWait: (holder: string) => void): Promise<FileLock> {
  for (let waited = false; ; waited = true) {
    const lock = tryLockFile(path, note);
    if (lock) return lock;
    if (!waited) onWait(readLockNote(path));
    await sleep(250);
  }
}

import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from 'fs-native-extensions';

export interface FileLock {
  release(): void;
}

/**
 * Locks a file through the kernel (an open-file-description lock, `flock` on macOS): it ends with the process however
 * that ends, needs no heartbeat, and so neither goes stale while a slow statement blocks the event loop nor stays
 * behind after `kill -9`. Children do not inherit it: Node opens files close-on-exec.
 *
 * Returns undefined where another process holds it. The file stays behind, which is harmless; deleting it would let two
 * processes lock two files of one name.
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

/** What the holder wrote about itself. For messages only: it is not what decides. */
export function readLockNote(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(0, 200);
  } catch {
    return '';
  }
}

/** Waits for the lock, telling once through `onWait` that somebody else holds it. */
export async function lockFile(path: string, note: string, onWait: (holder: string) => void): Promise<FileLock> {
  for (let waited = false; ; waited = true) {
    const lock = tryLockFile(path, note);
    if (lock) return lock;
    if (!waited) onWait(readLockNote(path));
    await sleep(250);
  }
}

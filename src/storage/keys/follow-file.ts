import { statSync } from 'node:fs';

export interface FollowedFile<T> {
  current(): T;
  problem(): string | null;
}

/** A look at the file costs microseconds, so it is taken on use: no watcher to close, nothing stale after a rotation. */
export function followFile<T>(path: string, read: () => T): FollowedFile<T> {
  let stamp = stampOf(path);
  let value = read();
  let problem: string | null = null;
  const refresh = (): void => {
    const now = stampOf(path);
    if (now === stamp) return;
    stamp = now;
    try {
      value = read();
      problem = null;
    } catch (error) {
      problem = error instanceof Error ? error.message : 'unreadable';
    }
  };
  return {
    current() {
      refresh();
      return value;
    },
    problem() {
      refresh();
      return problem;
    },
  };
}

/** Changes with every replacement and every write that the file system can tell apart. */
function stampOf(path: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return 'missing';
  }
}

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

/** A file system of its own, in memory, that can run full. */
export interface SmallDisk {
  readonly directory: string;
  /** Takes every byte that is left, or gives them back. */
  fill(isFull: boolean): void;
  unmount(): void;
}

/** Undefined where this user may not mount. */
export function mountSmallDisk(directory: string, megabytes: number): SmallDisk | undefined {
  mkdirSync(directory, { recursive: true });
  const run = (program: string, ...args: readonly string[]) =>
    spawnSync(program, args, { stdio: 'ignore' }).status === 0;
  if (!run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory)) return undefined;
  chmodSync(directory, 0o777);
  const ballast = join(directory, 'ballast');
  return {
    directory,
    fill: (isFull) => {
      rmSync(ballast, { force: true });
      const { bavail, bsize } = statfsSync(directory);
      if (isFull && bavail > 0) run('fallocate', '-l', String(bavail * bsize), ballast);
    },
    unmount: () => void run('umount', '-l', directory),
  };
}

import { readdirSync, readFileSync } from 'node:fs';
import { runCommand } from './run-command.ts';

export interface RunningProcess {
  readonly pid: number;
  readonly argv: readonly string[];
}

/**
 * Processes of this user whose command line passes `test`. The command line is what identifies a process: a pid alone
 * may have been given to another program since it was written down.
 */
export async function findProcesses(test: (argv: readonly string[]) => boolean): Promise<readonly RunningProcess[]> {
  const all = process.platform === 'linux' ? readProc() : await askPs();
  return all.filter(({ pid, argv }) => pid !== process.pid && test(argv));
}

function readProc(): readonly RunningProcess[] {
  const found: RunningProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1);
      // A process that has ended and waits for its parent has an empty command line.
      if (argv.length > 0) found.push({ pid: Number(name), argv });
    } catch {
      // It ended meanwhile, or belongs to another user.
    }
  }
  return found;
}

/** Where there is no /proc. Arguments with spaces come apart, so a directory with spaces in its name finds no orphan. */
async function askPs(): Promise<readonly RunningProcess[]> {
  const result = await runCommand('ps', ['-xo', 'pid=,args='], { timeoutMs: 10_000 });
  if (!result.ok) return [];
  return result.stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, ...argv]) => ({ pid: Number(pid), argv }));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  // A zombie still has a pid; where there is a /proc, one can tell.
  if (process.platform !== 'linux') return true;
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

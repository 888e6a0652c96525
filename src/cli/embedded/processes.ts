import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

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
      // A zombie has an empty command line.
      if (argv.length > 0) found.push({ pid: Number(name), argv });
    } catch {
      // It has ended, or belongs to another user.
    }
  }
  return found;
}

/** Without /proc. Arguments with spaces are split, so an orphan is not found if its directory's name has spaces. */
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
  // A zombie still has a pid; /proc shows whether it is one.
  if (process.platform !== 'linux') return true;
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Whether the port is free on loopback right now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Kills the command and everything it started after this many ms. */
  readonly timeoutMs: number;
  /** Called every 10 s with the last line of output. */
  readonly onProgress?: (lastLine: string, elapsedMs: number) => void;
}

export type CommandResult =
  | { readonly ok: true; readonly stdout: string }
  | { readonly ok: false; readonly why: string; readonly output: string };

const PROGRESS_EVERY_MS = 10_000;
const KEEP_BYTES = 64 * 1024;

/** Runs a command without a shell. Never throws: `why` says what went wrong. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve) => {
    // Its own process group, so that a time-out also ends compilers and virtual machines that it started.
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const startedAt = performance.now();
    let stdout = '';
    let output = '';
    let timedOut = false;
    const keep = (text: string) => (output = (output + text).slice(-KEEP_BYTES));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-KEEP_BYTES);
      keep(text);
    });
    child.stderr.setEncoding('utf8').on('data', keep);

    const killGroup = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended between the check and the kill.
      }
    };
    const deadline = setTimeout(() => {
      timedOut = true;
      killGroup();
    }, options.timeoutMs);
    const ticker = setInterval(() => {
      options.onProgress?.(lastLine(output), performance.now() - startedAt);
    }, PROGRESS_EVERY_MS);
    process.once('exit', killGroup);
    const settle = (result: CommandResult) => {
      clearTimeout(deadline);
      clearInterval(ticker);
      process.off('exit', killGroup);
      resolve(result);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      settle({ ok: false, why: error.code === 'ENOENT' ? `${command} is not installed` : String(error), output });
    });
    child.once('close', (code, signal) => {
      if (timedOut) settle({ ok: false, why: `no answer within ${options.timeoutMs / 1000} s`, output });
      else if (code === 0) settle({ ok: true, stdout });
      else settle({ ok: false, why: lastLine(output) || `ended with ${code ?? signal}`, output });
    });
  });
}

function lastLine(output: string): string {
  return output.trimEnd().split('\n').at(-1)?.trim().slice(0, 300) ?? '';
}

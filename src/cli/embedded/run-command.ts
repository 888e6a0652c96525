import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the command, with everything it started, after this many ms. */
  readonly timeoutMs: number;
  /** Told the last line of output now and then, to show that work goes on. */
  readonly onProgress?: (lastLine: string, elapsedMs: number) => void;
}

export type CommandResult =
  | { readonly ok: true; readonly stdout: string }
  | { readonly ok: false; readonly why: string; readonly output: string };

const PROGRESS_EVERY_MS = 10_000;
const KEEP_BYTES = 64 * 1024;

/** Runs a command without a shell and never throws: what went wrong comes back in words. */
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

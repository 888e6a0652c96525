import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { packageFile } from '../../src/cli/embedded/cache.ts';

const MAIN = packageFile('dist', 'cli', 'main.js');

/** One `holdpoint …` process with nothing in its environment but what it is given. */
export interface Part {
  readonly child: ChildProcess;
  output(): string;
  hasEnded(): boolean;
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, then as `ended`. */
  stop(): Promise<number | null>;
}

export function startPart(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
  /** Of another build. */
  main = MAIN,
): Part {
  const child = spawn(process.execPath, [main, ...args], { cwd, env: base(env), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return {
    child,
    output: () => output,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    ended,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** Runs a command to its end and returns what it printed; throws where it fails. */
export function runHoldpoint(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
  main = MAIN,
): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd,
    env: base(env),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`holdpoint ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** The same while this process goes on, for commands that reach what it serves; tells how the command ended. */
export async function tryHoldpoint(args: readonly string[], env: Readonly<Record<string, string>>, cwd: string) {
  const { output, ended } = startPart(args, env, cwd);
  const status = await ended;
  // The last of it may come after the end.
  await new Promise((resolve) => setImmediate(resolve));
  return { status, output: output() };
}

function base(env: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env };
}

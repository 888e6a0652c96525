import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir } from '../../src/cli/embedded/cache.ts';

const VERSION = '4.32.5';
const CONFIG = fileURLToPath(new URL('schemathesis.toml', import.meta.url));

export interface Fuzzed {
  readonly code: number | null;
  readonly output: string;
}

/** Runs schemathesis; see `schemathesis run --help`. Gets it from PyPI on the first use, into the user's cache. */
export async function runSchemathesis(args: readonly string[], cwd: string): Promise<Fuzzed> {
  return run(await install(), ['--config-file', CONFIG, 'run', ...args], cwd);
}

async function install(): Promise<string> {
  const home = cacheDir(process.env, 'schemathesis', VERSION);
  const program = (venv: string) => join(home, venv, 'bin', 'schemathesis');
  if (existsSync(program('venv'))) return program('venv');
  // A virtual environment cannot be moved, so the mark that it is complete is the program's own, made last by pip.
  rmSync(join(home, 'venv'), { recursive: true, force: true });
  await must('python3', ['-m', 'venv', 'venv'], home);
  await must(join(home, 'venv', 'bin', 'python'), ['-m', 'pip', 'install', '-q', `schemathesis==${VERSION}`], home);
  return program('venv');
}

async function must(command: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await run(command, args, cwd);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output.slice(-4_000)}`);
}

async function run(command: string, args: readonly string[], cwd: string): Promise<Fuzzed> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  return { code, output };
}

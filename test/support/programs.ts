import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDir, packageFile } from '../../src/cli/embedded/cache.ts';
import { runCommand } from '../../src/cli/embedded/processes.ts';

/** A program of somebody else's, running beside the test. */
export interface Program {
  readonly output: () => string;
  stop(): Promise<void>;
}

export interface ProgramOptions {
  /** On top of this process's own; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** It starts others: `stop` asks all of them to end, and waits for their output to close. Default: it is killed. */
  readonly group?: boolean;
}

/** Starts a program and resolves with what `pattern` found in its output once it is there. */
export async function startProgram(
  command: string,
  args: readonly string[],
  pattern: RegExp,
  { env = {}, cwd = packageFile(), group = false }: ProgramOptions = {},
): Promise<Program & { readonly found: RegExpExecArray }> {
  const options = { cwd, env: { ...process.env, ...env }, detached: group };
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const found = await new Promise<RegExpExecArray>((resolve, reject) => {
    const look = (text: string): void => {
      output += text;
      const match = pattern.exec(output);
      if (match !== null) resolve(match);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', look);
    child.once('error', reject);
    // Not before all of its output is here.
    child.once('close', (code) => reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`)));
  });
  return { found, output: () => output, stop: () => (group ? endGroup(child) : kill(child)) };
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  process.kill(-child.pid, 'SIGTERM');
  await closed;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** Python with packages from PyPI, in a virtual environment of the user's cache that is made once. */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string> {
  const home = join(cacheDir(process.env, 'python', name), packages.join('+').replaceAll(/[^\w.+-]/g, '-'));
  const [python, mark] = [join(home, 'bin', 'python'), join(home, 'complete')];
  if (existsSync(mark)) return python;
  // A virtual environment cannot be moved, so the mark is made last.
  rmSync(home, { recursive: true, force: true });
  await must('python3', ['-m', 'venv', home]);
  await must(python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...packages]);
  mkdirSync(mark);
  return python;
}

/** A Go program built from a folder with a go.mod of its own. Go keeps modules and builds in its own caches. */
export async function buildGo(folder: string, into: string): Promise<string> {
  const program = join(into, 'program');
  await must('go', ['build', '-o', program, '.'], folder);
  return program;
}

/** A package from npm in a folder of the user's cache; no script of it is run. Resolves with its `node_modules`. */
export async function npmPackage(name: string, version: string): Promise<string> {
  const home = join(cacheDir(process.env, 'npm', name), version);
  if (!existsSync(home)) {
    mkdirSync(dirname(home), { recursive: true });
    const incoming = mkdtempSync(`${home}-`);
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', `${name}@${version}`];
    await must('npm', [...args, '--prefix', incoming]);
    try {
      renameSync(incoming, home);
    } catch (error) {
      // Another run was first.
      rmSync(incoming, { recursive: true, force: true });
      if (!existsSync(home)) throw error;
    }
  }
  return join(home, 'node_modules');
}

/** A program of a Debian package, unpacked into the user's cache once: it need not be installed, so nobody need be root. */
export async function debianProgram(name: string, program: string): Promise<string> {
  const home = join(cacheDir(process.env, 'debian', name), 'unpacked');
  if (!existsSync(home)) {
    const incoming = mkdtempSync(`${home}-`);
    const get = ['download', '-q', name];
    // A new machine has no lists of packages yet.
    await must('apt-get', get, incoming).catch(async () => {
      await must('apt-get', ['update', '-q']);
      await must('apt-get', get, incoming);
    });
    const file = readdirSync(incoming).find((entry) => entry.endsWith('.deb')) ?? name;
    await must('dpkg-deb', ['-x', join(incoming, file), join(incoming, 'files')]);
    // Another run may be first.
    if (!existsSync(home)) renameSync(join(incoming, 'files'), home);
    rmSync(incoming, { recursive: true, force: true });
  }
  return join(home, 'usr', 'bin', program);
}

async function must(command: string, args: readonly string[], cwd = packageFile()): Promise<void> {
  const result = await runCommand(command, [...args], { timeoutMs: 280_000, cwd });
  if (!result.ok) throw new Error(`${command} ${args.join(' ')} failed:\n${result.output.slice(-4_000)}`);
}

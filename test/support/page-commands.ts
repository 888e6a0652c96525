import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** A block of shell commands of a page of docs/. `kind`: the word after `sh`; `background`: in a terminal of its own, until the end. */
export interface CommandBlock {
  readonly commands: string;
  readonly kind: string;
}

export function commandBlocks(page: string): readonly CommandBlock[] {
  return [...page.matchAll(/^```sh(?: (\w+))?\n([^]*?)^```$/gm)].map(([, kind = '', commands = '']) => ({
    commands,
    kind,
  }));
}

/** The terminals of a reader of a page. */
export interface Terminals {
  /** Everything that was printed, in any of them. */
  output(): string;
  open(args?: readonly string[]): ChildProcess;
  /** Types commands into a terminal and waits for their end. */
  run(terminal: ChildProcess, commands: string): Promise<void>;
  /** Rejects where the terminal ends before. */
  waitFor(terminal: ChildProcess, isThere: () => boolean | Promise<boolean>): Promise<void>;
  stop(): Promise<void>;
}

export function openTerminals(cwd: string, env: () => NodeJS.ProcessEnv): Terminals {
  const opened: ChildProcess[] = [];
  let output = '';
  let runs = 0;
  const waitFor: Terminals['waitFor'] = async (child, isThere) => {
    for (;;) {
      if (await isThere()) return;
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`A command failed:\n${output.slice(-4000)}`);
      await sleep(50);
    }
  };
  return {
    output: () => output,
    open: (args = []) => {
      const child = spawn('bash', ['-e', ...args], { cwd, env: env(), stdio: 'pipe' });
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      }
      opened.push(child);
      return child;
    },
    run: async (terminal, commands) => {
      runs += 1;
      const end = `end of commands ${runs}.`;
      terminal.stdin?.write(`${commands}\nprintf '%s\\n' '${end}'\n`);
      await waitFor(terminal, () => output.includes(end));
    },
    waitFor,
    stop: async () => void (await Promise.all(opened.map(stop))),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

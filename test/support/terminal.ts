import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import headless from '@xterm/headless';

/** A program on a real pseudo-terminal, and the screen that a person would see. */
export interface Terminal {
  /** Types keys, as the bytes that a terminal sends. */
  type(keys: string): void;
  /** The screen now, line by line, without trailing blanks. */
  screen(): readonly string[];
  /** Waits until the screen shows a text (or something that fits), and returns it. */
  shows(wanted: string | RegExp | ((text: string) => boolean)): Promise<string>;
  /** Everything that was ever sent to the terminal. */
  raw(): string;
  /** Exit code, once it ends by itself. */
  ended(): Promise<number | null>;
  close(): Promise<void>;
}

export const KEYS = { up: '\u001b[A', down: '\u001b[B', enter: '\r', escape: '\u001b', interrupt: '\u0003' } as const;

/** Long, for a machine that is busy: a wait ends as soon as the screen is as wanted. */
const WITHIN_MS = 60_000;

export function startTerminal(
  command: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly rows?: number;
    readonly columns?: number;
  },
): Terminal {
  const { rows = 40, columns = 100 } = options;
  const emulator = new headless.Terminal({ rows, cols: columns, allowProposedApi: true, scrollback: 0 });
  const driver = fileURLToPath(new URL('run_on_terminal.py', import.meta.url));
  const child = spawn('python3', [driver, String(rows), String(columns), ...command], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', LANG: 'C.UTF-8', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let raw = '';
  let code: number | null | undefined;
  const watchers = new Set<() => void>();
  const look = (): void => watchers.forEach((watcher) => watcher());
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
    emulator.write(text, look);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (raw += text));
  const end = new Promise<number | null>((resolve) => {
    child.once('close', (status) => {
      code = status;
      resolve(status);
      look();
    });
  });
  const screen = (): string[] =>
    Array.from({ length: rows }, (_line, y) => emulator.buffer.active.getLine(y)?.translateToString(true) ?? '');

  const shows: Terminal['shows'] = (wanted) =>
    new Promise((resolve, reject) => {
      const fits = (text: string): boolean =>
        typeof wanted === 'function'
          ? wanted(text)
          : typeof wanted === 'string'
            ? text.includes(wanted)
            : wanted.test(text);
      const finish = (): void => {
        clearTimeout(timer);
        watchers.delete(watcher);
      };
      const watcher = (): void => {
        const text = screen().join('\n');
        if (fits(text)) {
          finish();
          resolve(text);
        } else if (code !== undefined) {
          finish();
          reject(new Error(`It ended with ${code} and never showed ${String(wanted)}:\n${text}\n${raw.slice(-2_000)}`));
        }
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`It never showed ${String(wanted)}:\n${screen().join('\n')}`));
      }, WITHIN_MS);
      watchers.add(watcher);
      watcher();
    });

  return {
    type: (keys) => void child.stdin.write(keys),
    screen,
    shows,
    raw: () => raw,
    ended: () => end,
    async close() {
      child.stdin.end();
      await end;
      emulator.dispose();
    },
  };
}

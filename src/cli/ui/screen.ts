import { emitKeypressEvents } from 'node:readline';
import type { Streams } from './io.ts';

export interface Key {
  /** `a`, `A`, `up`, `return`, `escape` … */
  readonly name: string;
  readonly ctrl: boolean;
  readonly meta: boolean;
}

export interface Size {
  readonly rows: number;
  readonly columns: number;
}

/** A whole terminal. What is written to it must be visible text: it is passed on as it stands. */
export interface Screen {
  size(): Size;
  /** At most `rows` lines of at most `columns` cells. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal to somebody else (a prompt, an editor) and takes it back. */
  suspend<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

type Terminal = NodeJS.WriteStream & { readonly fd: 1 };

// xterm's control sequences: alternate screen, cursor, line wrapping (off, so that a line too long is cut, not broken).
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
// What is asked in between is asked on the alternate screen too, so that nothing of it stays in the person's shell.
const LEND = '\u001b[?7h\u001b[?25h\u001b[2J\u001b[H';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Takes the terminal over. Only where both streams are terminals. */
export function openScreen(
  streams: Streams,
  on: { readonly key: (key: Key) => void; readonly resize: () => void },
): Screen {
  const stdin = streams.stdin as NodeJS.ReadStream;
  const stdout = streams.stdout as Terminal;
  let active = false;

  const onKey = (text: string | undefined, key: { name?: string; ctrl?: boolean; meta?: boolean; shift?: boolean }) => {
    on.key({ name: nameOf(text, key), ctrl: key.ctrl === true, meta: key.meta === true && key.name !== 'escape' });
  };
  const take = () => {
    active = true;
    stdin.setRawMode(true);
    stdin.on('keypress', onKey);
    stdin.resume();
    stdout.write(ENTER);
  };
  const release = (control: string) => {
    active = false;
    stdin.off('keypress', onKey);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(control);
  };
  const leave = () => release(LEAVE);
  // Whatever ends the process: a terminal in raw mode would be of no use to anybody.
  process.once('exit', leave);
  emitKeypressEvents(stdin);
  stdout.on('resize', on.resize);
  take();

  return {
    size: () => ({ rows: stdout.rows, columns: stdout.columns }),
    draw(lines) {
      if (active) stdout.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`);
    },
    async suspend(work) {
      release(LEND);
      try {
        return await work();
      } finally {
        take();
      }
    },
    close() {
      leave();
      process.off('exit', leave);
      stdout.off('resize', on.resize);
    },
  };
}

/** Letters by their case, so that `G` is not `g`. */
function nameOf(text: string | undefined, key: { readonly name?: string }): string {
  if (text !== undefined && /^[!-~]$/.test(text)) return text;
  return key.name ?? '';
}

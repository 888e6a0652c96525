import { createColors } from 'picocolors';
import { machineJson } from '../../domain/text/visible.ts';
import { CliError } from './exit.ts';

type Colours = ReturnType<typeof createColors>;

/** The process as commands see it; tests bring their own. */
export interface Streams {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly now: () => number;
}

/**
 * Where a command writes. Answers go to stdout, all else to stderr. In JSON mode stdout holds nothing but JSON: one
 * document, or one a line.
 */
export interface Io {
  readonly json: boolean;
  readonly env: Streams['env'];
  readonly cwd: string;
  readonly stdin: Streams['stdin'];
  readonly stdout: Streams['stdout'];
  /** Aborted by Ctrl-C; commands that wait end quietly. */
  readonly signal: AbortSignal;
  readonly colours: Colours;
  /** A person reads the answers: tables and colours. */
  readonly rich: boolean;
  /** A person can be asked. */
  readonly interactive: boolean;
  readonly width: number;
  now(): number;
  /** Lines for people; nothing in JSON mode. Callers escape what is not theirs. */
  print(...lines: readonly string[]): void;
  /** The answer for machines; nothing in the other mode. */
  data(value: unknown): void;
  /** A remark on stderr, in both modes. */
  note(text: string): void;
}

export function createIo(streams: Streams, options: { readonly json: boolean; readonly signal?: AbortSignal }): Io {
  const { stdout, stderr, stdin, env } = streams;
  const rich = !options.json && stdout.isTTY === true;
  const wantsColour = (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  return {
    json: options.json,
    env,
    cwd: streams.cwd,
    stdin,
    stdout,
    signal: options.signal ?? new AbortController().signal,
    colours: createColors(rich && wantsColour),
    rich,
    interactive: rich && stdin.isTTY === true,
    width: Math.max(40, stdout.columns ?? 100),
    now: streams.now,
    print: (...lines) => {
      if (!options.json) stdout.write(lines.map((line) => `${line}\n`).join(''));
    },
    data: (value) => {
      if (options.json) stdout.write(`${machineJson(value)}\n`);
    },
    note: (text) => void stderr.write(`${text}\n`),
  };
}

/** Text of a file or of standard input, which `what` names. Throws CliError `not_utf8`: nothing of it is to change silently. */
export function decodeUtf8(what: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CliError('usage', 'not_utf8', `${what} is not UTF-8.`, 'Save it as UTF-8.');
  }
}

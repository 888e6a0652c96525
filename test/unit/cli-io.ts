import { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { createIo, type Io, type Streams } from '../../src/cli/ui/io.ts';

export interface Captured {
  readonly streams: Streams;
  stdout(): string;
  stderr(): string;
}

/** Streams that keep what is written; a terminal where `tty` is set. */
export function capture(
  options: {
    readonly tty?: boolean;
    readonly columns?: number;
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: string;
    readonly cwd?: string;
  } = {},
): Captured {
  let out = '';
  let err = '';
  const tty = options.tty === true ? { isTTY: true, columns: options.columns ?? 100 } : {};
  return {
    streams: {
      stdout: { write: (text: string) => (out += text), ...tty },
      stderr: { write: (text: string) => (err += text), ...tty },
      stdin: Readable.from([options.stdin ?? '']),
      env: { HOLDPOINT_DATA_DIR: '/nonexistent', ...options.env },
      cwd: options.cwd ?? '/',
      now: () => Date.parse('2026-04-01T12:01:00.000Z'),
    },
    stdout: () => out,
    stderr: () => err,
  };
}

export function ioFor(options: Parameters<typeof capture>[0] = {}, json = false): Io {
  return createIo(capture(options).streams, { json });
}

/** Text without colours. */
export function plain(lines: readonly string[]): string {
  return stripVTControlCharacters(lines.join('\n'));
}

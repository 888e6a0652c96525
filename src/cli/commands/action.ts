import type { Command } from 'commander';
import { createIo, type Io, type Streams } from '../ui/io.ts';
import type { ConnectOptions } from './connect.ts';

/** Options that every command takes. */
export interface GlobalOptions extends ConnectOptions {
  readonly json?: boolean;
}

/** Everything commands get from the process. */
export interface CliContext {
  readonly streams: Streams;
  /** Aborted by Ctrl-C; commands that wait end quietly. */
  readonly signal: AbortSignal;
}

/** Turns `(io, options, ...arguments)` into what commander calls: arguments, then options, then the command. */
export function action(
  context: CliContext,
  run: (io: Io, options: never, ...args: string[]) => Promise<void>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command;
    const options = command.optsWithGlobals<GlobalOptions>();
    await run(
      createIo(context.streams, { json: options.json === true }),
      options as never,
      ...(args.slice(0, -2) as string[]),
    );
  };
}

/** Makes a command of what commander calls; see {@link action}. */
export type Run = (command: Parameters<typeof action>[1]) => ReturnType<typeof action>;

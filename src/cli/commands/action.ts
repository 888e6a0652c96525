import type { Command } from 'commander';
import { createIo, type Io, type Streams } from '../ui/io.ts';
import type { ConnectOptions } from './connect.ts';

/** Options that every command takes. */
export interface GlobalOptions extends ConnectOptions {
  readonly json?: boolean;
}

/** What a command does, with its options and its arguments as commander has them. */
type Act = (io: Io, options: never, ...args: never[]) => Promise<void> | void;

/** Makes of a command what commander calls. A command's code is loaded when it runs, so that the others start fast. */
export type Run = (load: () => Promise<Act>) => (...args: unknown[]) => Promise<void>;

/** `signal`: aborted by Ctrl-C. */
export function runOn(streams: Streams, signal: AbortSignal): Run {
  return (load) =>
    async (...args) => {
      const options = (args.at(-1) as Command).optsWithGlobals<GlobalOptions>();
      const act = await load();
      await act(
        createIo(streams, { json: options.json === true, signal }),
        options as never,
        ...(args.slice(0, -2) as never[]),
      );
    };
}

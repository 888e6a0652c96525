import { CommanderError } from 'commander';
import { useProxyForFetch } from '../compose/proxy.ts';
import { explainError, type ErrorReport } from '../ui/explain-error.ts';
import { explainUsage } from '../ui/explain-usage.ts';
import { Exit, EXIT, type ExitCode } from '../ui/exit.ts';
import { createIo, type Streams } from '../ui/io.ts';
import { visible } from '../../domain/text/visible.ts';
import { createProgram } from './program.ts';

/** Runs one command line and returns the exit code. Never throws, never exits: the caller does. */
export async function run(args: readonly string[], streams: Streams, signal: AbortSignal): Promise<ExitCode> {
  const program = createProgram({ streams, signal });
  try {
    await useProxyForFetch(streams.env);
    await program.parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof Exit) return EXIT[error.exit];
    if (!(error instanceof CommanderError)) return report(explainError(error), args, streams);
    return error.exitCode === 0 ? EXIT.ok : report(explainUsage(program, args, error), args, streams);
  }
}

function report({ exit, code, message, hint }: ErrorReport, args: readonly string[], streams: Streams): ExitCode {
  const io = createIo(streams, { json: args.includes('--json') });
  if (io.json) io.data({ error: { code, message, ...(hint === undefined ? {} : { hint }) } });
  else {
    io.note(`${io.colours.red('error')} ${code}: ${visible(message)}`);
    if (hint !== undefined) io.note(hint);
  }
  return EXIT[exit];
}

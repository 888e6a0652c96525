import { CommanderError } from 'commander';
import { useProxyForFetch } from '../compose/proxy.ts';
import { explainError } from '../ui/explain-error.ts';
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
    if (!(error instanceof CommanderError)) return report(error, args, streams);
    if (error.exitCode === 0) return EXIT.ok;
    // Commander has already written to stderr.
    createIo(streams, { json: args.includes('--json') }).data({ error: usageErrorOf(error) });
    return EXIT.usage;
  }
}

/** For a command that only groups others, commander prints the help and has no message of its own. */
function usageErrorOf({ code, message }: CommanderError): { readonly code: string; readonly message: string } {
  const words = code === 'commander.help' ? 'missing command; --help lists them' : message;
  return { code: 'usage', message: words.replace(/^error: /, '') };
}

function report(error: unknown, args: readonly string[], streams: Streams): ExitCode {
  const io = createIo(streams, { json: args.includes('--json') });
  const { exit, code, message, hint } = explainError(error);
  if (io.json) io.data({ error: { code, message, ...(hint === undefined ? {} : { hint }) } });
  else {
    io.note(`${io.colours.red('error')} ${code}: ${visible(message)}`);
    if (hint !== undefined) io.note(hint);
  }
  return EXIT[exit];
}

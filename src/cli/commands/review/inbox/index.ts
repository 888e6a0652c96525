import type { Command } from 'commander';
import { CliError } from '../../../ui/exit.ts';
import type { Io } from '../../../ui/io.ts';
import { action, type CliContext, type GlobalOptions } from '../../action.ts';
import { connect } from '../../connect.ts';
import { runInbox } from './run-inbox.ts';

export function registerInbox(review: Command, context: CliContext): void {
  review
    .command('inbox', { isDefault: true })
    .description('what waits, to look at and decide on with keys (on a terminal)')
    .action(action(context, (io, options: GlobalOptions) => inbox(io, options, context)));
}

async function inbox(io: Io, options: GlobalOptions, { streams, signal }: CliContext): Promise<void> {
  if (!io.interactive) {
    throw new CliError(
      'usage',
      'not_interactive',
      'The inbox needs a terminal.',
      '`holdpoint review list`, `show` and `approve` and the like work without one, also with --json.',
    );
  }
  await runInbox(io, streams, connect(io, options, 'reviewer'), signal);
}

import type { Command } from 'commander';
import { action, type CliContext, type GlobalOptions } from '../action.ts';

export function registerDoctor(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('checks Temporal, database, config, keys and clock, and says what to do; changes nothing')
    .action(
      action(context, async (io, options: GlobalOptions) => {
        const { runDoctor } = await import('./run.ts');
        await runDoctor(io, options);
      }),
    );
}

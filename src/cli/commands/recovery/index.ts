import type { Command } from 'commander';
import { action, type CliContext } from '../action.ts';
import type { RecoveryOptions } from './lost.ts';

/** What only a person decides: that this is the right Temporal, and that many reviews are lost. */
export function registerRecovery(program: Command, context: CliContext): void {
  program
    .command('temporal')
    .description('the Temporal that the database belongs to')
    .command('rebind')
    .description('go on with the Temporal that the environment names, after listing what would be lost')
    .option('-y, --yes', 'do not ask')
    .action(
      action(context, async (io, options: RecoveryOptions) => {
        const { rebind } = await import('./rebind.ts');
        await rebind(io, options);
      }),
    );
  program
    .command('reviews')
    .description('recovery of reviews whose workflow Temporal has lost')
    .command('sweep')
    .description('let the sweep go on after it was halted (`sweep_halted`), after listing what would be lost')
    .option('-y, --yes', 'do not ask')
    .action(
      action(context, async (io, options: RecoveryOptions) => {
        const { sweep } = await import('./sweep.ts');
        await sweep(io, options);
      }),
    );
}

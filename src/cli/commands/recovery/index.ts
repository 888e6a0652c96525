import type { Command } from 'commander';
import type { Run } from '../action.ts';
import type { RecoveryOptions } from './lost.ts';
import type { AcceptOptions, RestoreOptions } from './restore.ts';

/**
 * Decisions that only a person can make: that this is the right Temporal, that many reviews are lost, and that a restored
 * database may be used.
 */
export function registerRecovery(program: Command, run: Run): void {
  program
    .command('temporal')
    .description('manage which Temporal the database is bound to')
    .command('rebind')
    .description('bind the database to the configured Temporal, after listing what would be lost')
    .option('-y, --yes', 'do not ask')
    .action(run(async (io, options: RecoveryOptions) => (await import('./lost.ts')).rebind(io, options)));
  program
    .command('reviews')
    .description('recover reviews whose workflow Temporal has lost')
    .command('sweep')
    .description('resume a halted sweep (`sweep_halted`), after listing what would be lost')
    .option('-y, --yes', 'do not ask')
    .action(run(async (io, options: RecoveryOptions) => (await import('./lost.ts')).sweep(io, options)));
  const restore = program.command('restore').description('go on after the database was restored from a backup');
  const also = ['--also <directories...>', 'data directories of the other execute workers'] as const;
  restore
    .command('check')
    .description('list the reviews that ran, were decided or were proposed since the backup')
    .option(...also)
    .action(run(async (io, options: RestoreOptions) => (await import('./restore.ts')).check(io, options)));
  restore
    .command('accept')
    .description('settle the listed reviews and let the execute workers go on with the restored database')
    .option(...also)
    .option('--looked-at <reviews...>', 'every review that `restore check` lists')
    .requiredOption('--by <person>', 'who accepts it, for the audit log')
    .requiredOption('--why <text>', 'why, for the audit log')
    .action(run(async (io, options: AcceptOptions) => (await import('./restore.ts')).accept(io, options)));
}

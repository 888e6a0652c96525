import { type Command, Option } from 'commander';
import { PART_NAMES } from '../../contract/part.ts';
import type { Run } from './action.ts';

/** The commands that run parts and keep them running. They read the rest of their settings from the environment. */
export function registerParts(program: Command, run: Run): void {
  program
    .command('dev')
    .description('run everything on this machine, with an embedded Temporal server; `npm start` runs this')
    .action(run(async () => (await import('../dev/run-dev.ts')).runDev));
  program
    .command('sign-in-link')
    .description('print a one-time sign-in link for a reviewer, valid for ten minutes; needs a local `holdpoint dev`')
    .argument('<reviewer>')
    .action(run(async () => (await import('./sign-in-link.ts')).printSignInLink));
  program
    .command('api')
    .description('run the HTTP api')
    .addOption(
      new Option('--role <role>', 'whom it serves; each role loads its own signing key only')
        .choices(['propose', 'review', 'all'])
        .default('all'),
    )
    .action(run(async () => (await import('../compose/run-parts.ts')).runApi));
  program
    .command('worker')
    .description('run workers; only `execute` holds credentials')
    .addOption(new Option('--role <role>').choices(['gate', 'execute', 'all']).makeOptionMandatory())
    .action(run(async () => (await import('../compose/run-parts.ts')).runWorker));
  program
    .command('migrate')
    .description('bring the schema of DATABASE_URL up to date and grant each role its rights')
    .option(
      '--create-roles <directory>',
      'first make their logins, with the passwords in this directory; generates missing ones',
    )
    .option('--print-sql', 'change nothing; print the SQL for psql')
    .action(run(async () => (await import('../compose/migrate.ts')).runMigrate));
  program
    .command('doctor')
    .description('check Temporal, the database, the config, keys and clocks, and suggest fixes; changes nothing')
    .addOption(
      new Option('--role <part>', 'test what this part needs, as this part, with its environment').choices(
        PART_NAMES.filter((name) => name !== 'all'),
      ),
    )
    .option('--connectors', 'also try to reach the target of each connector, without making a call')
    .action(run(async () => (await import('./doctor/run.ts')).runDoctor));
  registerRecovery(program, run);
}

/**
 * Decisions that only a person can make: that this is the right Temporal, that many reviews are lost, and that a restored
 * database may be used.
 */
function registerRecovery(program: Command, run: Run): void {
  program
    .command('temporal')
    .description('manage which Temporal the database is bound to')
    .command('rebind')
    .description('bind the database to the configured Temporal, after listing what would be lost')
    .option('-y, --yes', 'do not ask')
    .action(run(async () => (await import('./recovery/lost.ts')).rebind));
  program
    .command('reviews')
    .description('recover reviews whose workflow Temporal has lost')
    .command('sweep')
    .description('resume a halted sweep (`sweep_halted`), after listing what would be lost')
    .option('-y, --yes', 'do not ask')
    .action(run(async () => (await import('./recovery/lost.ts')).sweep));
  const restore = program.command('restore').description('go on after the database was restored from a backup');
  const also = ['--also <directories...>', 'data directories of the other execute workers'] as const;
  restore
    .command('check')
    .description('list the reviews that ran, were decided or were proposed since the backup')
    .option(...also)
    .action(run(async () => (await import('./recovery/restore.ts')).check));
  restore
    .command('accept')
    .description('settle the listed reviews and let the execute workers go on with the restored database')
    .option(...also)
    .option('--looked-at <reviews...>', 'every review that `restore check` lists')
    .requiredOption('--by <person>', 'who accepts it, for the audit log')
    .requiredOption('--why <text>', 'why, for the audit log')
    .action(run(async () => (await import('./recovery/restore.ts')).accept));
}

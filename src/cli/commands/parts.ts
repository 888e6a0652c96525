import { type Command, Option } from 'commander';
import { PART_NAMES } from '../../contract/part.ts';
import type { ApiRole } from '../compose/keys.ts';
import type { MigrateOptions } from '../compose/migrate.ts';
import type { WorkerRole } from '../compose/run-parts.ts';
import type { Io } from '../ui/io.ts';
import type { GlobalOptions, Run } from './action.ts';
import type { DoctorOptions } from './doctor/run.ts';
import { registerRecovery } from './recovery/index.ts';

/** The commands that run parts and keep them running. They read the rest of their settings from the environment. */
export function registerParts(program: Command, run: Run): void {
  const optionsOf = (io: Io) => ({ env: io.env, say: (line: string) => io.print(line) });
  program
    .command('dev')
    .description('run everything on this machine, with an embedded Temporal server; `npm start` runs this')
    .action(run(async (io) => (await import('../dev/run-dev.ts')).runDev(optionsOf(io))));
  program
    .command('sign-in-link')
    .description('print a one-time sign-in link for a reviewer, valid for ten minutes; needs a local `holdpoint dev`')
    .argument('<reviewer>')
    .action(
      run(async (io, _options: GlobalOptions, reviewer) =>
        (await import('./sign-in-link.ts')).printSignInLink(io, reviewer),
      ),
    );
  program
    .command('api')
    .description('run the HTTP api')
    .addOption(
      new Option('--role <role>', 'whom it serves; each role loads its own signing key only')
        .choices(['propose', 'review', 'all'])
        .default('all'),
    )
    .action(
      run(async (io, { role }: GlobalOptions & { readonly role: ApiRole }) =>
        (await import('../compose/run-parts.ts')).runApi(optionsOf(io), role),
      ),
    );
  program
    .command('worker')
    .description('run workers; only `execute` holds credentials')
    .addOption(new Option('--role <role>').choices(['gate', 'execute', 'all']).makeOptionMandatory())
    .action(
      run(async (io, { role }: GlobalOptions & { readonly role: WorkerRole }) =>
        (await import('../compose/run-parts.ts')).runWorker(optionsOf(io), role),
      ),
    );
  program
    .command('migrate')
    .description('bring the schema of DATABASE_URL up to date and grant each role its rights')
    .option(
      '--create-roles <directory>',
      'first make their logins, with the passwords in this directory; generates missing ones',
    )
    .option('--print-sql', 'change nothing; print the SQL for psql')
    .action(
      run(async (io, options: GlobalOptions & MigrateOptions) =>
        (await import('../compose/migrate.ts')).runMigrate(optionsOf(io), options),
      ),
    );
  program
    .command('doctor')
    .description('check Temporal, the database, the config, keys and clocks, and suggest fixes; changes nothing')
    .addOption(
      new Option('--role <part>', 'test what this part needs, as this part, with its environment').choices(
        PART_NAMES.filter((name) => name !== 'all'),
      ),
    )
    .option('--connectors', 'also try to reach the target of each connector, without making a call')
    .action(run(async (io, options: DoctorOptions) => (await import('./doctor/run.ts')).runDoctor(io, options)));
  registerRecovery(program, run);
}

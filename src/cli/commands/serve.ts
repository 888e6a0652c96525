import { Option, type Command } from 'commander';
import type { ApiRole } from '../compose/keys.ts';
import type { WorkerRole } from '../compose/run-parts.ts';
import type { Io } from '../ui/io.ts';
import { action, type CliContext, type GlobalOptions } from './action.ts';

/** The commands that run parts. They read the rest of their settings from the environment. */
export function registerServe(program: Command, context: CliContext): void {
  const optionsOf = (io: Io) => ({ env: io.env, say: (line: string) => io.print(line) });
  program
    .command('dev')
    .description('everything on this machine, with a Temporal server of its own; what `npm start` runs')
    .action(
      action(context, async (io) => {
        const { runDev } = await import('../dev/run-dev.ts');
        await runDev(optionsOf(io));
      }),
    );
  program
    .command('sign-in-link')
    .description('a link that signs one reviewer in, once, within ten minutes; where `holdpoint dev` runs here')
    .argument('<reviewer>')
    .action(
      action(context, async (io, _options: GlobalOptions, reviewer) => {
        const { printSignInLink } = await import('./sign-in-link.ts');
        printSignInLink(io, reviewer);
      }),
    );
  program
    .command('api')
    .description('the HTTP api')
    .addOption(
      new Option('--role <role>', 'whose side: its own signing key only')
        .choices(['propose', 'review', 'all'])
        .default('all'),
    )
    .action(
      action(context, async (io, options: GlobalOptions & { readonly role: ApiRole }) => {
        const { runApi } = await import('../compose/run-parts.ts');
        await runApi(optionsOf(io), options.role);
      }),
    );
  program
    .command('worker')
    .description('workers; `execute` alone holds credentials')
    .addOption(new Option('--role <role>').choices(['gate', 'execute', 'all']).makeOptionMandatory())
    .action(
      action(context, async (io, options: GlobalOptions & { readonly role: WorkerRole }) => {
        const { runWorker } = await import('../compose/run-parts.ts');
        await runWorker(optionsOf(io), options.role);
      }),
    );
  program
    .command('migrate')
    .description('bring the schema of DATABASE_URL up to date and grant the roles their part')
    .action(
      action(context, async (io) => {
        const { runMigrate } = await import('../compose/run-parts.ts');
        await runMigrate(optionsOf(io));
      }),
    );
}

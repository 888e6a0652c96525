import type { Command } from 'commander';
import { KEY_ROLES } from '../../../contract/envelope.ts';
import { action, type CliContext, type GlobalOptions } from '../action.ts';
import type { CreateOptions } from './create.ts';
import type { InitOptions } from './deployment.ts';

export function registerKeys(program: Command, context: CliContext): void {
  const keys = program
    .command('keys')
    .description('credentials of agents and reviewers, and this deployment’s own keys');
  keys
    .command('create')
    .description('make a credential: prints it once, and the lines for the config file')
    .argument('<kind>', 'agent or reviewer')
    .argument('<id>')
    .option('--groups <list>', 'reviewer: comma-separated groups')
    .option('--auditor', 'reviewer: reads everything, decides nothing')
    .option('--owner <id>', 'agent: the person answerable for it')
    .action(
      action(context, async (io, options: CreateOptions, kind, id) => {
        const { createKey } = await import('./create.ts');
        createKey(io, options, kind, id);
      }),
    );
  keys
    .command('init')
    .description('make the signing and sealing keys that are missing, in HOLDPOINT_KEYS_DIR, else the data directory')
    .option('--deployment <id>', 'name of the deployment, as in the config file; default: one is made up')
    .option('--split <directory>', 'make api/, gate/ and execute/ there, each with the keys of its part alone')
    .action(
      action(context, async (io, options: InitOptions) => {
        const { initKeys } = await import('./deployment.ts');
        initKeys(io, options);
      }),
    );
  keys
    .command('rotate')
    .description('a new key in force for a role; what the old one signed still verifies')
    .argument('<role>', KEY_ROLES.join(', '))
    .action(
      action(context, async (io, _options: GlobalOptions, role) => {
        const { rotate } = await import('./deployment.ts');
        rotate(io, role);
      }),
    );
  keys
    .command('show')
    .description('public keys of this deployment; with --json the trust file that others verify with')
    .action(
      action(context, async (io) => {
        const { showKeys } = await import('./deployment.ts');
        showKeys(io);
      }),
    );
}

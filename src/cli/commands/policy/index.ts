import type { Command } from 'commander';
import { action, type CliContext } from '../action.ts';
import type { CheckOptions } from './check.ts';
import type { ExplainOptions } from './explain.ts';

export function registerPolicy(program: Command, context: CliContext): void {
  const policy = program.command('policy').description('check the policy and config files, and ask what they say');
  policy
    .command('check')
    .description('every problem with file, line, column and what to write instead')
    .argument('[file]', 'policy file; default: the one that the config names')
    .option('--config <file>', 'config file; default: HOLDPOINT_CONFIG, else holdpoint.yaml')
    .action(
      action(context, async (io, options: CheckOptions, file) => {
        const { checkPolicy } = await import('./check.ts');
        await checkPolicy(io, options, file);
      }),
    );
  policy
    .command('explain')
    .description('what policy makes of a call; runs nothing')
    .argument('<tool>')
    .option('-a, --arguments <json>', 'JSON, @FILE or -', '{}')
    .option('--context <json>', 'facts for rules: JSON or @FILE')
    .option('--agent <id>', 'as this agent of the config: its tools, its pinned context')
    .option('--service <name>', 'default: what stands before the first dot of the tool')
    .option('--config <file>', 'config file; default: HOLDPOINT_CONFIG, else holdpoint.yaml')
    .option('--policy <file>', 'policy file; default: the one that the config names')
    .action(
      action(context, async (io, options: ExplainOptions, tool) => {
        const { explainCall } = await import('./explain.ts');
        await explainCall(io, options, tool);
      }),
    );
}

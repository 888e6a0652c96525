import type { Command } from 'commander';
import type { CliContext } from '../action.ts';
import { action } from '../action.ts';
import type { DemoOptions } from './run.ts';

export function registerDemo(program: Command, context: CliContext): void {
  program
    .command('demo')
    .description('a tour of the running demo (`npm start` in another terminal): approve, reject, expire, forge')
    .option('--auto', 'approve by itself; the default asks, or waits for another terminal')
    .action(
      action(context, async (io, options: DemoOptions) => {
        const { runDemo } = await import('./run.ts');
        await runDemo(io, options, context.signal);
      }),
    );
}

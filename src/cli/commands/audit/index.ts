import type { Command } from 'commander';
import { action, type CliContext } from '../action.ts';
import { registerReading } from './read.ts';
import type { VerifyOptions } from './verify.ts';

export function registerAudit(program: Command, context: CliContext): void {
  const audit = program.command('audit').description('read and verify the record');
  audit
    .command('verify')
    .description('check that the record is what was signed: a proof offline, or the whole log')
    .option('--url [url]', 'download the log from there (the default)')
    .option(
      '--database [place]',
      'read the log from a PostgreSQL URL or a data directory; default: the one configured here',
    )
    .option('--proof <file>', 'check the proof of one review')
    .option('--since <checkpoint>', 'a checkpoint kept earlier: the log must extend it')
    .option('--keys <trust>', 'trust file to verify with; default: trust.json of this installation')
    .action(
      action(context, async (io, options: VerifyOptions) => {
        const { verify } = await import('./verify.ts');
        await verify(io, options);
      }),
    );
  registerReading(audit, context);
}

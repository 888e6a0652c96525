import type { Command } from 'commander';
import { action, type CliContext } from '../action.ts';
import { registerReading } from './read.ts';
import type { EraseOptions } from './erase.ts';
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
    .option('--not-before <time>', 'with --proof: its statement of completeness must be from then (ISO 8601) or later')
    .option('--since <checkpoint>', 'a checkpoint kept earlier: the log must extend it')
    .option('--keys <trust>', 'trust file to verify with; default: trust.json of this installation')
    .action(
      action(context, async (io, options: VerifyOptions) => {
        const { verify } = await import('./verify.ts');
        await verify(io, options);
      }),
    );
  registerReading(audit, context);
  audit
    .command('erase')
    .description('erase what was said in reviews that ended long ago; the log stays and still verifies')
    .requiredOption('--older-than <duration>', 'ended at least so long ago, 90d say')
    .option('--database <place>', 'a PostgreSQL URL or a data directory; default: the one configured here')
    .option('-y, --yes', 'do not ask')
    .action(
      action(context, async (io, options: EraseOptions) => {
        const { erase } = await import('./erase.ts');
        await erase(io, options);
      }),
    );
}

import type { Command } from 'commander';
import type { DecideResult } from '../../../client/index.ts';
import { QUEUED_WORDS } from '../../../domain/stop.ts';
import { CliError, Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { action, type CliContext, type GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { readJsonObject } from '../json-argument.ts';
import { renderOutcome } from './decide.ts';

interface ResubmitOptions extends GlobalOptions {
  readonly arguments: string;
  readonly reason?: string;
}
interface ReconcileOptions extends GlobalOptions {
  readonly outcome: string;
  readonly note: string;
}

/** Steps other than decisions: the proposer's own, and settling an unknown outcome. */
export function registerProposerSteps(review: Command, context: CliContext): void {
  review
    .command('resubmit')
    .description('as the proposer: answer a request for changes')
    .argument('<id>')
    .requiredOption('-a, --arguments <json>', 'all arguments: JSON, @FILE or -')
    .option('--reason <text>')
    .action(action(context, resubmit));
  review
    .command('withdraw')
    .description('as the proposer: withdraw it')
    .argument('<id>')
    .action(action(context, withdraw));
  review
    .command('reconcile')
    .description('as a reviewer: settle an unknown outcome, after finding out what happened to the call')
    .argument('<id>')
    .requiredOption('--outcome <outcome>', 'executed or failed')
    .requiredOption('--note <text>', 'how you found out')
    .action(action(context, reconcile));
}

async function resubmit(io: Io, options: ResubmitOptions, id: string): Promise<void> {
  const { client } = connect(io, options, 'agent');
  const args = await readJsonObject(io, '--arguments', options.arguments);
  const reason = options.reason === undefined ? {} : { reason: options.reason };
  printResult(io, await client.reviews.revise(id, args, reason));
}

async function withdraw(io: Io, options: GlobalOptions, id: string): Promise<void> {
  const { client } = connect(io, options, 'agent');
  printResult(io, await client.reviews.withdraw(id));
}

async function reconcile(io: Io, options: ReconcileOptions, id: string): Promise<void> {
  const { outcome } = options;
  if (outcome !== 'executed' && outcome !== 'failed') {
    throw new CliError('usage', 'invalid_outcome', '--outcome must be executed or failed.');
  }
  const { client } = connect(io, options, 'reviewer');
  printResult(io, await client.reviews.reconcile(id, { outcome, note: options.note }));
}

function printResult(io: Io, result: DecideResult): void {
  io.data(result.admitted ? result.review : result);
  if (result.admitted) return io.print(...renderOutcome(result.review));
  io.print(`It is ${QUEUED_WORDS}: no worker has processed it.`, `holdpoint review show ${result.reviewId}`);
  throw new Exit('waiting');
}

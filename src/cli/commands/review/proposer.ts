import type { DecideResult } from '../../../client/index.ts';
import { QUEUED_WORDS } from '../../../domain/stop.ts';
import { CliError, Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import type { GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { readJsonObject } from '../json-argument.ts';
import { renderOutcome } from './decide.ts';
import { defined } from '../../../contract/defined.ts';

interface ResubmitOptions extends GlobalOptions {
  readonly arguments: string;
  readonly reason?: string;
}
interface ReconcileOptions extends GlobalOptions {
  readonly outcome: string;
  readonly note: string;
}

export async function resubmit(io: Io, options: ResubmitOptions, id: string): Promise<void> {
  const { client } = connect(io, options, 'agent');
  const args = await readJsonObject(io, '--arguments', options.arguments);
  printResult(io, await client.reviews.revise(id, args, defined({ reason: options.reason })));
}

export async function withdraw(io: Io, options: GlobalOptions, id: string): Promise<void> {
  const { client } = connect(io, options, 'agent');
  printResult(io, await client.reviews.withdraw(id));
}

export async function reconcile(io: Io, options: ReconcileOptions, id: string): Promise<void> {
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

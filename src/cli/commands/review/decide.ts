import type { Command } from 'commander';
import type { Holdpoint } from '../../../client/index.ts';
import type { DecisionRequest } from '../../../contract/decision.ts';
import type { DecisionType, Review } from '../../../contract/review.ts';
import { canBeStopped, queuedDecisionWords } from '../../../domain/stop.ts';
import { CliError, Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { confirm } from '../../ui/prompt.ts';
import { renderReview } from '../../ui/review-view.ts';
import { action, type CliContext, type GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { readJson } from '../json-argument.ts';
import { showOutcome } from './outcome.ts';

export interface DecideOptions extends GlobalOptions {
  readonly comment?: string;
  readonly digest?: string;
  readonly yes?: boolean;
  readonly response?: string;
  readonly wait?: string;
}

const COMMANDS: readonly { readonly type: DecisionType; readonly words: string; readonly question: string }[] = [
  { type: 'approve', words: 'approve exactly what is shown', question: 'Approve exactly this?' },
  {
    type: 'reject',
    words: 'reject: ends the review, or stops an approved call that has not started',
    question: 'Reject it?',
  },
  { type: 'revise', words: 'ask the proposer for changes', question: 'Ask for these changes?' },
  { type: 'respond', words: 'answer a question of a workflow', question: 'Send this answer?' },
];

export function registerDecisions(review: Command, context: CliContext): void {
  for (const { type, words, question } of COMMANDS) {
    const command = withDecisionOptions(review.command(type).description(words).argument('<id>'));
    if (type === 'respond') command.requiredOption('--response <json>', 'the answer: JSON, @FILE or -');
    command.action(
      action(context, (io, options: DecideOptions, id) => runDecision(io, options, id, type, question, context.signal)),
    );
  }
}

export function withDecisionOptions(command: Command): Command {
  return command
    .option('-m, --comment <text>', 'comment, kept with the decision')
    .option('--digest <digest>', 'decide only if the call still has this digest; default: the digest shown now')
    .option('-y, --yes', 'do not ask')
    .option('--wait <duration>', 'how long to wait for the result of an approved call', '15s');
}

async function runDecision(
  io: Io,
  options: DecideOptions,
  id: string,
  type: DecisionType,
  question: string,
  signal: AbortSignal,
): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  const review = await client.reviews.get(id);
  const response =
    options.response === undefined ? {} : { response: await readJson(io, '--response', options.response) };
  if (mustAsk(io, options)) {
    io.print(...renderReview(io, review), '');
    await confirm(io, canBeStopped(review) && type === 'reject' ? 'Stop it before it runs?' : question);
  }
  await decide(io, client, review, options, { type, ...response }, signal);
}

/**
 * Whether the person must be asked first. Without a terminal no one can be asked, so only `--yes`, or the digest that was
 * reviewed, lets a decision be sent.
 */
export function mustAsk(io: Io, options: DecideOptions): boolean {
  return options.yes !== true && (io.interactive || options.digest === undefined);
}

/** Sends a decision on the digest that was shown, and prints the result. */
export async function decide(
  io: Io,
  client: Holdpoint,
  review: Review,
  options: DecideOptions,
  decision: Omit<DecisionRequest, 'digest' | 'comment'>,
  signal: AbortSignal,
): Promise<void> {
  const digest = shownDigest(review, options);
  const comment = options.comment === undefined ? {} : { comment: options.comment };
  const result = await client.reviews.decide(review.reviewId, { ...decision, digest, ...comment });
  if (!result.admitted) {
    io.data(result);
    io.print(`The decision is ${queuedDecisionWords(decision.type)}.`);
    io.print(`holdpoint review show ${review.reviewId}`);
    throw new Exit('waiting');
  }
  await showOutcome(io, client, result.review, options.wait, signal);
}

function shownDigest(review: Review, options: DecideOptions): string {
  const shown = review.call.digest;
  if (shown === null) {
    throw new CliError('refused', 'no_digest', 'There is nothing to decide: this review has no digest.');
  }
  if (options.digest !== undefined && options.digest !== shown) {
    throw new CliError(
      'refused',
      'digest_mismatch',
      `The digest is no longer ${options.digest}.`,
      'It has been edited or revised since. Look at it again and decide on the current version.',
    );
  }
  return shown;
}

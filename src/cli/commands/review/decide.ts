import type { Command } from 'commander';
import { HoldpointError, type Holdpoint } from '../../../client/index.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { DecisionRequest } from '../../../contract/decision.ts';
import type { DecisionType, Review } from '../../../contract/review.ts';
import { canBeStopped, queuedDecisionWords } from '../../../domain/stop.ts';
import { countYeses } from '../../../domain/eligibility.ts';
import { STATUS } from '../../../domain/lifecycle.ts';
import { repeatsToConfirm } from '../../../domain/related.ts';
import { visible, visibleJson } from '../../../domain/text/visible.ts';
import { editText } from '../../ui/editor.ts';
import { CliError, Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { confirm } from '../../ui/prompt.ts';
import { describeExecution, heading, indent } from '../../ui/review-view.ts';
import { action, type CliContext, type GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { parseJsonObject, readJson, readJsonObject } from '../json-argument.ts';
import { readAndRender } from './show.ts';

interface DecideOptions extends GlobalOptions {
  readonly comment?: string;
  readonly digest?: string;
  readonly yes?: boolean;
  readonly response?: string;
  readonly wait?: string;
  readonly repeats?: string;
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
    if (type === 'approve') withRepeats(command);
    if (type === 'respond') command.requiredOption('--response <json>', 'the answer: JSON, @FILE or -');
    command.action(
      action(context, (io, options: DecideOptions, id) => runDecision(io, options, id, type, question, context.signal)),
    );
  }
}

function withDecisionOptions(command: Command): Command {
  return command
    .option('-m, --comment <text>', 'comment, kept with the decision')
    .option('--digest <digest>', 'decide only if the call still has this digest; default: the digest shown now')
    .option('-y, --yes', 'do not ask')
    .option('--wait <duration>', 'how long to wait for the result of an approved call', '15s');
}

function withRepeats(command: Command): Command {
  return command.option(
    '--repeats <ids>',
    'make the call again although these reviews, separated by commas, are of equal ones',
  );
}

/** Asks whether twice is meant, where an equal call waits or has run; `--yes` alone does not say so. */
async function confirmRepeats(
  io: Io,
  { related }: Review,
  { repeats }: DecideOptions,
): Promise<Pick<DecisionRequest, 'repeats'>> {
  if (repeats !== undefined) return { repeats: repeats.split(',').map((id) => id.trim()) };
  const equal = repeatsToConfirm(related).map(({ reviewId }) => reviewId);
  if (equal.length === 0) return {};
  const otherwise = `Pass --repeats ${equal.join(',')} to make the call again.`;
  await confirm(io, `The same call is waiting or has run (${equal.join(', ')}). Make it again?`, otherwise);
  return { repeats: equal };
}

async function runDecision(
  io: Io,
  options: DecideOptions,
  id: string,
  type: DecisionType,
  question: string,
  signal: AbortSignal,
): Promise<void> {
  const connection = connect(io, options, 'reviewer');
  const { client } = connection;
  const review = await client.reviews.get(id);
  const response =
    options.response === undefined ? {} : { response: await readJson(io, '--response', options.response) };
  if (mustAsk(io, options)) {
    io.print(...(await readAndRender(io, connection, review, signal)), '');
    await confirm(io, canBeStopped(review) && type === 'reject' ? 'Stop it before it runs?' : question);
  }
  const repeats = type === 'approve' ? await confirmRepeats(io, review, options) : {};
  await decide(io, client, review, options, { type, ...response, ...repeats }, signal);
}

/**
 * Whether the person must be asked first. Without a terminal no one can be asked, so only `--yes`, or the digest that was
 * reviewed, lets a decision be sent.
 */
function mustAsk(io: Io, options: DecideOptions): boolean {
  return options.yes !== true && (io.interactive || options.digest === undefined);
}

/** Sends a decision on the digest that was shown, and prints the result. */
async function decide(
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

interface EditOptions extends DecideOptions {
  readonly arguments?: string;
}

export function registerEdit(review: Command, context: CliContext): void {
  const command = withDecisionOptions(
    review
      .command('edit')
      .description('approve the same tool with other arguments; the call is classified again')
      .argument('<id>')
      .option('-a, --arguments <json>', 'all arguments: JSON, @FILE or -; default: $VISUAL or $EDITOR opens'),
  );
  withRepeats(command).action(action(context, (io, options: EditOptions, id) => edit(io, options, id, context.signal)));
}

async function edit(io: Io, options: EditOptions, id: string, signal: AbortSignal): Promise<void> {
  const connection = connect(io, options, 'reviewer');
  const { client } = connection;
  const review = await client.reviews.get(id);
  const args =
    options.arguments === undefined
      ? await editArguments(io, review)
      : await readJsonObject(io, '--arguments', options.arguments);
  if (mustAsk(io, options)) {
    io.print(
      ...(await readAndRender(io, connection, review, signal)),
      ...heading(io, 'With these arguments instead'),
      ...indent(visibleJson(args)),
      '',
    );
    await confirm(io, 'Approve this?');
  }
  // Whether an equal call of what the edit makes of it is there, only the server knows.
  const repeats = options.repeats === undefined ? {} : await confirmRepeats(io, review, options);
  await decide(io, client, review, options, { type: 'edit', arguments: args, ...repeats }, signal);
}

/** All arguments as the person's editor left them. */
async function editArguments(io: Io, review: Review): Promise<JsonObject> {
  if (!io.interactive)
    throw new CliError('usage', 'no_arguments', 'Pass --arguments: there is no terminal for an editor.');
  const before = `${JSON.stringify(review.call.arguments, null, 2)}\n`;
  const after = await editText(io, before, 'arguments.json');
  if (after === before) throw new CliError('failed', 'unchanged', 'Nothing was changed, so nothing was decided.');
  return parseJsonObject('the edited text', after);
}

/**
 * Prints the state after a decision. If the call was approved, waits a little for its result; running out of that time is
 * not a failure, because the call continues.
 */
async function showOutcome(
  io: Io,
  client: Holdpoint,
  decided: Review,
  wait: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const review = await follow(client, decided, wait, signal);
  io.data(review);
  io.print(...renderOutcome(review));
}

async function follow(
  client: Holdpoint,
  review: Review,
  wait: string | undefined,
  signal: AbortSignal,
): Promise<Review> {
  if (review.kind !== 'call' || review.status !== 'approved' || wait === undefined) return review;
  try {
    return (await client.review(review.reviewId).resolution({ timeout: wait, signal })).review;
  } catch (error) {
    if (error instanceof HoldpointError && error.retryable) return review;
    throw error;
  }
}

export function renderOutcome(review: Review): string[] {
  const lines = [`${review.reviewId}: ${STATUS[review.status].words}`];
  const open = review.levels.find((level) => level.status === 'open');
  if (review.status === 'pending' && open !== undefined) {
    const votes = countYeses(open);
    lines.push(
      `next: ${visible(open.name)}, ${votes} of ${open.quorum} from ${open.approvers.map(visible).join(' or ')}`,
    );
  }
  if (review.status === 'pending' && review.revision > 1) {
    lines.push(`it is now revision ${review.revision}, with a new digest: holdpoint review show ${review.reviewId}`);
  }
  if (review.execution.status === 'not_started') return lines;
  lines.push(describeExecution(review));
  const { body, error } = review.execution;
  if (error !== null) lines.push(`  ${visible(error.code)}: ${visible(error.message)}`);
  if (body !== undefined) lines.push(...indent(visibleJson(body)));
  return lines;
}

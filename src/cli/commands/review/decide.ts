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
import type { GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { parseJsonObject, readJson, readJsonObject } from '../json-argument.ts';
import { readAndRender } from './show.ts';
import { defined } from '../../../contract/defined.ts';

interface DecideOptions extends GlobalOptions {
  readonly comment?: string;
  readonly digest?: string;
  readonly yes?: boolean;
  readonly response?: string;
  readonly wait?: string;
  readonly repeats?: string;
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

const QUESTIONS = {
  approve: 'Approve exactly this?',
  reject: 'Reject it?',
  revise: 'Ask for these changes?',
  respond: 'Send this answer?',
} as const satisfies Partial<Record<DecisionType, string>>;

/** `holdpoint review approve` and the others that take no other arguments. */
export function decideAs(type: keyof typeof QUESTIONS) {
  return async (io: Io, options: DecideOptions, id: string): Promise<void> => {
    const connection = connect(io, options, 'reviewer');
    const { client } = connection;
    const review = await client.reviews.get(id);
    const response =
      options.response === undefined ? {} : { response: await readJson(io, '--response', options.response) };
    if (mustAsk(io, options)) {
      io.print(...(await readAndRender(io, connection, review)), '');
      await confirm(io, canBeStopped(review) && type === 'reject' ? 'Stop it before it runs?' : QUESTIONS[type]);
    }
    const repeats = type === 'approve' ? await confirmRepeats(io, review, options) : {};
    await decide(io, client, review, options, { type, ...response, ...repeats });
  };
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
): Promise<void> {
  const digest = shownDigest(review, options);
  const request = { ...decision, digest, ...defined({ comment: options.comment }) };
  const result = await client.reviews.decide(review.reviewId, request);
  if (!result.admitted) {
    io.data(result);
    io.print(`The decision is ${queuedDecisionWords(decision.type)}.`);
    io.print(`holdpoint review show ${review.reviewId}`);
    throw new Exit('waiting');
  }
  const after = await follow(client, result.review, options.wait, io.signal);
  io.data(after);
  io.print(...renderOutcome(after));
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

export async function edit(io: Io, options: EditOptions, id: string): Promise<void> {
  const connection = connect(io, options, 'reviewer');
  const { client } = connection;
  const review = await client.reviews.get(id);
  const args =
    options.arguments === undefined
      ? await editArguments(io, review)
      : await readJsonObject(io, '--arguments', options.arguments);
  if (mustAsk(io, options)) {
    io.print(
      ...(await readAndRender(io, connection, review)),
      ...heading(io, 'With these arguments instead'),
      ...indent(visibleJson(args)),
      '',
    );
    await confirm(io, 'Approve this?');
  }
  // Whether an equal call of what the edit makes of it is there, only the server knows.
  const repeats = options.repeats === undefined ? {} : await confirmRepeats(io, review, options);
  await decide(io, client, review, options, { type: 'edit', arguments: args, ...repeats });
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
 * The state after a decision. If the call was approved, waits a little for its result; running out of that time is not a
 * failure, because the call continues.
 */
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

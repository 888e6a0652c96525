/** Pending reviews in the shapes of LangChain's Agent Inbox. Deciding still takes a reviewer's token. */
import type { DecisionRequest } from '../../contract/decision.ts';
import { parseExactJson, writeJson } from '../../contract/exact-number.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import type { Holdpoint } from '../holdpoint.ts';
import type { ListOptions } from '../reviews.ts';
import { offeredName } from '../../contract/tool-name.ts';
import { isPlainObject, memberOf } from './input.ts';

/** As `@langchain/langgraph/prebuilt` has them. */
export interface HumanInterrupt {
  readonly action_request: { readonly action: string; readonly args: JsonObject };
  readonly config: {
    readonly allow_ignore: boolean;
    readonly allow_respond: boolean;
    readonly allow_edit: boolean;
    readonly allow_accept: boolean;
  };
  readonly description?: string;
}
export interface HumanResponse {
  readonly type: 'accept' | 'ignore' | 'response' | 'edit';
  readonly args: null | string | { readonly action: string; readonly args: JsonObject };
}

/** A pending review as Agent Inbox shows it, and the review itself: a response is made into a decision with it. */
export interface InboxItem extends HumanInterrupt {
  readonly review: Review;
}
export type InboxFilter = Pick<ListOptions, 'proposer' | 'threadId' | 'group' | 'tool' | 'service' | 'approver'>;

/** What LangChain's human-in-the-loop answers an interrupt with. Python writes `edited_action`. */
export interface HITLResponse {
  readonly decisions: readonly HITLDecision[];
}
export type HITLDecision =
  | { readonly type: 'approve' }
  | { readonly type: 'edit'; readonly editedAction: HITLAction }
  | { readonly type: 'edit'; readonly edited_action: HITLAction }
  | { readonly type: 'reject'; readonly message?: string }
  | { readonly type: 'respond'; readonly message: string };
interface HITLAction {
  readonly name: string;
  readonly args: JsonObject;
}

export type InboxErrorCode =
  /** Nothing can be decided on it (yet, or any more), or not in this way. */
  | 'not_allowed'
  /** Not the shape that LangChain documents; the message has the pointer. */
  | 'response_invalid'
  /** An edit names another tool, whose policy nobody would have asked. */
  | 'tool_changed'
  /** A value came back as text that is no value of its own kind, or a number that JavaScript would round. */
  | 'value_unreadable';

export class InboxError extends Error {
  override readonly name = 'InboxError';
  readonly code: InboxErrorCode;
  constructor(code: InboxErrorCode, detail: string) {
    super(`${code}: ${detail}`);
    this.code = code;
  }
}

export function toHumanInterrupt(review: Review): HumanInterrupt {
  const allowed = new Set(review.allowedDecisions);
  return {
    action_request: { action: review.call.tool, args: review.call.arguments ?? {} },
    config: {
      allow_ignore: true,
      allow_respond: allowed.has('respond') || allowed.has('revise'),
      allow_edit: allowed.has('edit'),
      allow_accept: allowed.has('approve'),
    },
    description: describe(review),
  };
}

/**
 * Pending reviews, by deadline: with an agent's key its own, with a reviewer's token everybody's or those of one
 * `proposer`. Each is read in full, so filter where there are many.
 */
export async function listHumanInterrupts(client: Holdpoint, filter: InboxFilter = {}): Promise<InboxItem[]> {
  const items: InboxItem[] = [];
  for await (const { reviewId } of client.reviews.listAll({ ...filter, status: 'pending' })) {
    const review = await client.reviews.get(reviewId);
    if (review.status === 'pending') items.push({ ...toHumanInterrupt(review), review });
  }
  return items;
}

/**
 * The decision that an answer to our interrupt stands for, as {@link fromHumanResponse} makes it of Agent Inbox's. One
 * interrupt is about one call, so there is one decision. Takes answers by interrupt id too (`{ [id]: { decisions } }`, as
 * `Command({ resume })` does): `interruptId` says which. `name` is the tool's name in the graph where it is one of your
 * own. Throws InboxError.
 */
export function fromHITLResponse(
  review: Review,
  response: HITLResponse | Readonly<Record<string, HITLResponse>>,
  options: { readonly name?: string; readonly interruptId?: string } = {},
): DecisionRequest {
  const { tool } = review.call;
  const one = readDecision(response, options.interruptId);
  switch (one.type) {
    case 'approve':
      return { type: 'approve', digest: digestFor(review, 'approve') };
    case 'reject': {
      const digest = digestFor(review, 'reject');
      return { type: 'reject', digest, ...(one.message === undefined ? {} : { comment: one.message }) };
    }
    case 'edit': {
      const digest = digestFor(review, 'edit');
      const names = [options.name ?? offeredName(tool), tool];
      if (!names.includes(one.action.name)) throw new InboxError('tool_changed', one.action.name);
      return { type: 'edit', digest, arguments: one.action.args };
    }
    case 'respond':
      return answerInWords(review, one.message);
  }
}

type ReadDecision =
  | { readonly type: 'approve' }
  | { readonly type: 'edit'; readonly action: HITLAction }
  | { readonly type: 'reject'; readonly message: string | undefined }
  | { readonly type: 'respond'; readonly message: string };

function readDecision(response: unknown, interruptId: string | undefined): ReadDecision {
  const decisions = decisionsOf(response, interruptId);
  const [one, more] = decisions;
  if (one === undefined || more !== undefined) throw new InboxError('not_allowed', 'one decision for one review');
  const at = '/decisions/0';
  if (!isPlainObject(one)) throw responseInvalid(at, 'must be an object');
  const { type, message } = one;
  switch (type) {
    case 'approve':
      return { type };
    case 'reject':
      if (message !== undefined && message !== null && typeof message !== 'string')
        throw responseInvalid(`${at}/message`, 'must be text');
      return { type, message: message ?? undefined };
    case 'respond':
      if (typeof message !== 'string') throw responseInvalid(`${at}/message`, 'must be text');
      return { type, message };
    case 'edit': {
      const action = memberOf(one, 'editedAction');
      if (!isPlainObject(action)) throw responseInvalid(`${at}/editedAction`, 'must be { name, args }');
      const { name, args } = action;
      if (typeof name !== 'string') throw responseInvalid(`${at}/editedAction/name`, 'must be the name of the tool');
      if (!isPlainObject(args)) throw responseInvalid(`${at}/editedAction/args`, 'must be an object');
      return { type, action: { name, args: args as JsonObject } };
    }
    default:
      throw responseInvalid(`${at}/type`, 'must be approve, edit, reject or respond');
  }
}

function decisionsOf(response: unknown, interruptId: string | undefined): readonly unknown[] {
  if (!isPlainObject(response)) throw responseInvalid('', 'must be { decisions: [ … ] }');
  const { decisions } = response;
  if (Array.isArray(decisions)) return decisions;
  const answers = Object.entries(response).filter(([id]) => interruptId === undefined || id === interruptId);
  const [only, more] = answers.map(([, answer]) => (isPlainObject(answer) ? answer['decisions'] : undefined));
  if (more === undefined && Array.isArray(only)) return only;
  throw responseInvalid('/decisions', 'must be a list; of answers by interrupt id, pass the interruptId to be read');
}

/**
 * The decision that a response stands for, bound to the digest of the review it was made from; null for `ignore`, which
 * decides nothing. Send it with a reviewer's token: `client.reviews.decide(review.reviewId, decision)`. Agent Inbox
 * turns edited values into text: they become what they were before. Takes the array it sends as well. Throws InboxError.
 */
export function fromHumanResponse(
  review: Review,
  response: HumanResponse | readonly HumanResponse[],
): DecisionRequest | null {
  const [one, more] = [response].flat() as readonly unknown[];
  if (one === undefined || more !== undefined) throw new InboxError('not_allowed', 'one response for one review');
  if (!isPlainObject(one)) throw responseInvalid('', 'must be an object');
  const { type, args } = one;
  switch (type) {
    case 'ignore':
      return null;
    case 'accept':
      return { type: 'approve', digest: digestFor(review, 'approve') };
    case 'edit':
      return { type: 'edit', digest: digestFor(review, 'edit'), arguments: editedArguments(review, args) };
    case 'response':
      if (typeof args !== 'string') throw responseInvalid('/args', 'must be text');
      return answerInWords(review, args);
    default:
      throw responseInvalid('/type', 'must be accept, edit, response or ignore');
  }
}

/** Words instead of a yes or a no: an answer where the review takes one, else a request for changes. */
function answerInWords(review: Review, words: string): DecisionRequest {
  if (review.allowedDecisions.includes('respond'))
    return { type: 'respond', digest: digestFor(review, 'respond'), response: words };
  return { type: 'revise', digest: digestFor(review, 'revise'), comment: words };
}

function digestFor({ reviewId, call, allowedDecisions }: Review, type: DecisionRequest['type']): string {
  if (call.digest === null) throw new InboxError('not_allowed', `${reviewId} cannot be decided on yet`);
  if (!allowedDecisions.includes(type)) throw new InboxError('not_allowed', `${type} on ${reviewId}`);
  return call.digest;
}

function responseInvalid(pointer: string, message: string): InboxError {
  return new InboxError('response_invalid', `${pointer === '' ? 'the response' : pointer} ${message}`);
}

function editedArguments(review: Review, edited: unknown): JsonObject {
  const { action, args } = isPlainObject(edited) ? edited : {};
  if (!isPlainObject(args)) throw responseInvalid('/args', 'must be { action, args } for an edit');
  const { tool } = review.call;
  if (action !== tool && action !== offeredName(tool)) throw new InboxError('tool_changed', String(action));
  const before = review.call.arguments ?? {};
  return Object.fromEntries(
    Object.entries(args as JsonObject).map(([key, value]) => [
      key,
      likeBefore(value, Object.hasOwn(before, key) ? before[key] : undefined, key),
    ]),
  );
}

/** Text that stands where there was no text is read back; text that was text stays as it is. */
function likeBefore(value: Json, before: Json | undefined, key: string): Json {
  if (typeof value !== 'string' || before === undefined || typeof before === 'string') return value;
  // Nothing says what else may stand where a null was: the tool's schema judges it.
  if (before === null) return value === 'null' ? null : value;
  const read = parseJson(value);
  if (read === undefined || kindOf(read) !== kindOf(before)) throw new InboxError('value_unreadable', key);
  return read;
}

function kindOf(value: Json): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
}

/** Undefined: it is not JSON, or holds a number that would be sent as another one. */
function parseJson(text: string): Json | undefined {
  try {
    const read = parseExactJson(text);
    return JSON.stringify(read) === writeJson(read) ? read : undefined;
  } catch {
    return undefined;
  }
}

function describe(review: Review): string {
  const sentence = review.sentence?.map((part) => ('value' in part ? part.value : part.policy)).join('');
  const lines = [
    ...(sentence ? [sentence] : []),
    `Proposed by ${review.proposer.id}${review.proposer.attested ? '' : ' (not attested)'}; ${review.class ?? 'not classified'}.`,
    ...(review.related ?? []).flatMap(({ reviewId, mustConfirm }) =>
      mustConfirm ? [`The same call is waiting or has run (${reviewId}). A yes has to name it in \`repeats\`.`] : [],
    ),
    ...(review.reason === null ? [] : [`In the agent's words: ${review.reason}`]),
    ...(review.expiresAt === null ? [] : [`Without a decision it expires at ${review.expiresAt}.`]),
    `Digest: ${review.call.digest ?? 'not yet'}`,
  ];
  return lines.join('\n\n');
}

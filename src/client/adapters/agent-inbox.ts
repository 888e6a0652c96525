/** Pending reviews in the shapes of LangChain's Agent Inbox. Deciding still takes a reviewer's token. */
import type { DecisionRequest } from '../../contract/decision.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import type { Holdpoint } from '../holdpoint.ts';
import type { ListOptions } from '../reviews.ts';

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

/** What LangChain's human-in-the-loop answers an interrupt with. */
export interface HITLResponse {
  readonly decisions: readonly HITLDecision[];
}
export type HITLDecision =
  | { readonly type: 'approve' }
  | { readonly type: 'edit'; readonly editedAction: { readonly name: string; readonly args: JsonObject } }
  | { readonly type: 'reject'; readonly message?: string };

export type InboxErrorCode =
  /** Nothing can be decided on it (yet, or any more), or not in this way. */
  | 'not_allowed'
  /** An edit names another tool, whose policy nobody would have asked. */
  | 'tool_changed'
  /** A value came back as text that is no value of its own kind. */
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
 * interrupt is about one call, so there is one decision. `name` is the tool's name in the graph where it is one of your
 * own. Throws InboxError.
 */
export function fromHITLResponse(
  review: Review,
  { decisions }: HITLResponse,
  { name = review.call.tool.replaceAll('.', '_') }: { readonly name?: string } = {},
): DecisionRequest {
  const [one, more] = decisions;
  if (one === undefined || more !== undefined) throw new InboxError('not_allowed', 'one decision for one review');
  const { digest, tool } = review.call;
  if (digest === null) throw new InboxError('not_allowed', `${review.reviewId} cannot be decided on yet`);
  if (!review.allowedDecisions.includes(one.type))
    throw new InboxError('not_allowed', `${one.type} on ${review.reviewId}`);
  switch (one.type) {
    case 'approve':
      return { type: 'approve', digest };
    case 'reject':
      return { type: 'reject', digest, ...(one.message === undefined ? {} : { comment: one.message }) };
    case 'edit': {
      const { editedAction } = one;
      if (editedAction.name !== name && editedAction.name !== tool)
        throw new InboxError('tool_changed', editedAction.name);
      return { type: 'edit', digest, arguments: editedAction.args };
    }
  }
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
  const [one, more] = [response].flat() as readonly HumanResponse[];
  if (one === undefined || more !== undefined) throw new InboxError('not_allowed', 'one response for one review');
  if (one.type === 'ignore') return null;
  const { digest } = review.call;
  const allow = (type: DecisionRequest['type']): boolean => review.allowedDecisions.includes(type);
  if (digest === null) throw new InboxError('not_allowed', `${review.reviewId} cannot be decided on yet`);
  if (one.type === 'accept' && allow('approve')) return { type: 'approve', digest };
  if (one.type === 'edit' && allow('edit')) return { type: 'edit', digest, arguments: editedArguments(review, one) };
  if (one.type === 'response' && typeof one.args === 'string') {
    if (allow('respond')) return { type: 'respond', digest, response: one.args };
    if (allow('revise')) return { type: 'revise', digest, comment: one.args };
  }
  throw new InboxError('not_allowed', `${one.type} on ${review.reviewId}`);
}

function editedArguments(review: Review, { args }: HumanResponse): JsonObject {
  if (typeof args !== 'object' || args === null) throw new InboxError('value_unreadable', 'an edit needs arguments');
  if (args.action !== review.call.tool) throw new InboxError('tool_changed', args.action);
  const before = review.call.arguments ?? {};
  return Object.fromEntries(
    Object.entries(args.args).map(([key, value]) => [key, likeBefore(value, before[key], key)]),
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

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function describe(review: Review): string {
  const lines = [
    `Proposed by ${review.proposer.id}${review.proposer.attested ? '' : ' (not attested)'}; ${review.class ?? 'not classified'}.`,
    ...(review.reason === null ? [] : [`In the agent's words: ${review.reason}`]),
    ...(review.expiresAt === null ? [] : [`Without a decision it expires at ${review.expiresAt}.`]),
    `Digest: ${review.call.digest ?? 'not yet'}`,
  ];
  return lines.join('\n\n');
}

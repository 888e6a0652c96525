import type { Json, JsonObject } from '../../contract/json.ts';
import type { ExecuteRequest } from '../../contract/execute.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { defined } from '../../contract/defined.ts';
import type { Review } from '../../contract/review.ts';
import { toMs, type Duration } from '../options.ts';
import { HoldpointError, ResolutionTimeoutError } from '../errors.ts';
import type { Holdpoint } from '../holdpoint.ts';
import { readArguments, readCallId, type RevisionInput } from './input.ts';
import { outcomeOf, outcomeOfResult, PROPOSED_DIFFERENTLY, type ToolOutcome } from './outcome.ts';

/** What every adapter needs to know about a tool that Holdpoint gates. */
export interface GatedTool {
  readonly client: Holdpoint;
  /** Full name in the policy, e.g. `github.repos.delete`; its service is what stands before the first dot. */
  readonly tool: string;
  /** Where the service is not what stands before the first dot. */
  readonly service?: string;
  /** Why the agent does this, shown to reviewers as the agent's words. */
  readonly reason?: string | ((args: JsonObject) => string);
  /** Facts for rules. */
  readonly context?: JsonObject;
  /** Where Holdpoint posts the final answer; must be allowed by its config. */
  readonly callback?: string;
}

export interface WaitOptions {
  readonly wait: Duration;
  readonly signal?: AbortSignal | undefined;
}

/** Longest wait without a look at whether changes were asked for, in ms. */
const SLICE = 10_000;

/** Throws `invalid_request` where the input is not what can be sent. */
export async function requestOf(gated: GatedTool, input: unknown, threadId?: string): Promise<ExecuteRequest> {
  const { tool, service = tool.split('.')[0] ?? tool, reason, context, callback } = gated;
  const args = await leaveOutNulls(gated.client, { service, tool, arguments: readArguments(input) });
  const said = typeof reason === 'function' ? reason(args) : reason;
  return { service, tool, arguments: args, ...defined({ reason: said, context, callback, threadId }) };
}

/**
 * In strict mode a model gives null for each optional argument that it means to leave out. Where the tool takes no null,
 * that is what is done; where it takes one, null means something and stays. Only the server knows which.
 */
async function leaveOutNulls(
  client: Holdpoint,
  call: Pick<ExecuteRequest, 'service' | 'tool' | 'arguments'>,
  rounds = 10,
): Promise<JsonObject> {
  const args = call.arguments;
  if (!JSON.stringify(args).includes('null')) return args;
  const { errors = [] } = await client.explain(call);
  const refused = new Set(errors.map(({ pointer }) => pointer));
  let left = 0;
  const strip = (value: Json, pointer: string): Json => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item: Json, index) => strip(item, `${pointer}/${index}`));
    const members = Object.entries(value).map(([key, item]) => ({ key, item, at: pointer + pointerStep(key) }));
    const kept = members.filter(({ item, at }) => item !== null || !refused.has(at));
    left += members.length - kept.length;
    return Object.fromEntries(kept.map(({ key, item, at }) => [key, strip(item, at)]));
  };
  const stripped = strip(args, '') as JsonObject;
  // What is wrong with long arguments is not all said at once.
  return left === 0 || rounds === 1 ? stripped : leaveOutNulls(client, { ...call, arguments: stripped }, rounds - 1);
}

/** Proposes a call; `pending` where people have to look at it. Throws HoldpointError where there is no outcome. */
export async function propose(
  client: Holdpoint,
  request: ExecuteRequest,
  options: { readonly idempotencyKey?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<ToolOutcome> {
  try {
    const result = await client.execute(request, defined(options));
    return outcomeOfResult(result) ?? outcomeOf(await result.review.get());
  } catch (error) {
    // A key names one tool call, so this is a repetition by a program that has changed since. Thrown, it would reach the
    // model as a mistake to correct, and the call would be proposed again.
    if (!(error instanceof HoldpointError) || error.code !== 'idempotency_mismatch') throw error;
    const review = await readSameCall(client, request, error.reviewId);
    return review === undefined ? PROPOSED_DIFFERENTLY : outcomeOf(review);
  }
}

/** The review that a key stands for, where it is of this very call: only the words around it have changed. */
async function readSameCall(
  client: Holdpoint,
  { service, tool, arguments: args }: ExecuteRequest,
  reviewId: string | undefined,
): Promise<Review | undefined> {
  if (reviewId === undefined) return undefined;
  try {
    const review = await client.reviews.get(reviewId);
    const { call } = review;
    const same = call.service === service && call.tool === tool && isSameJson(call.arguments, args);
    // Changed since, what was proposed is no longer there to compare.
    return same && review.revision === 1 ? review : undefined;
  } catch (error) {
    if (error instanceof HoldpointError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** Whatever the order of keys. */
function isSameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  if (Array.isArray(a) !== Array.isArray(b) || keys.length !== Object.keys(b).length) return false;
  const [left, right] = [a as JsonObject, b as JsonObject];
  return keys.every((key) => Object.hasOwn(right, key) && isSameJson(left[key], right[key]));
}

/** Waits until the review is final or changes are asked for; `pending` when the time is up, which decides nothing. */
export async function awaitOutcome(client: Holdpoint, reviewId: string, options: WaitOptions): Promise<ToolOutcome> {
  const { wait, signal } = options;
  const end = performance.now() + toMs(wait);
  for (;;) {
    const outcome = outcomeOf(await client.reviews.get(reviewId, defined({ signal })));
    const left = end - performance.now();
    if (outcome.status !== 'pending' || left <= 0) return outcome;
    const timeout = Math.min(SLICE, left);
    await client.reviews.resolution(reviewId, { timeout, ...defined({ signal }) }).catch(ifDue);
  }
}

/** {@link propose}, then {@link awaitOutcome} where it waits. */
export async function proposeAndWait(
  gated: GatedTool,
  input: unknown,
  options: WaitOptions & { readonly threadId?: string | undefined; readonly toolCallId?: unknown },
): Promise<ToolOutcome> {
  const { threadId, signal } = options;
  const toolCallId = readCallId(options.toolCallId);
  const durable = threadId !== undefined && toolCallId !== undefined;
  const idempotencyKey = durable ? await keyOf('tool', threadId, gated.tool, toolCallId) : undefined;
  const request = await requestOf(gated, input, threadId);
  const outcome = await propose(gated.client, request, { idempotencyKey, signal });
  return outcome.status === 'pending' ? awaitOutcome(gated.client, outcome.reviewId, options) : outcome;
}

/**
 * Answers a request for changes. Only the revision that was asked about is answered, so a repeated call (a node that
 * is run again) changes nothing.
 */
export async function reviseOnce(
  client: Holdpoint,
  { reviewId, revision, arguments: args }: RevisionInput,
): Promise<ToolOutcome> {
  const review: Review = await client.reviews.get(reviewId);
  const asked = review.status === 'changes_requested' && review.revision === revision;
  if (!asked) return outcomeOf(review);
  const { service, tool } = review.call;
  const revised = await leaveOutNulls(client, { service, tool, arguments: args });
  const result = await client.reviews.revise(reviewId, revised, { revision });
  // Only queued: the state of before, in which changes are still asked for.
  return outcomeOf(result.admitted ? result.review : review);
}

/** An idempotency key of any number of parts: 64 hexadecimal digits, however long the parts are. */
export async function keyOf(...parts: readonly Json[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  const hash = await globalThis.crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * The two tools that a pending result speaks of; the same in every framework. None of them decides anything. Their schemas
 * use what every model's API takes; what comes is checked here.
 */
const REVIEW_ID = { type: 'string' } as const;
export const AWAIT_TOOL = {
  name: 'holdpoint_await',
  description: 'Waits for the decision on a call that people are reviewing. Pass the reviewId of the pending result.',
  schema: {
    type: 'object',
    properties: { reviewId: REVIEW_ID },
    required: ['reviewId'],
    additionalProperties: false,
  },
} as const;
export const REVISE_TOOL = {
  name: 'holdpoint_revise',
  description: 'Answers a reviewer who asked for changes: proposes the same tool again with other arguments.',
  schema: {
    type: 'object',
    properties: { reviewId: REVIEW_ID, revision: { type: 'integer' }, arguments: { type: 'object' } },
    required: ['reviewId', 'revision', 'arguments'],
    additionalProperties: false,
  },
} as const;

function ifDue(error: unknown): void {
  if (!(error instanceof ResolutionTimeoutError)) throw error;
}

import type { CallToolRequest, CallToolResult, ServerNotification } from '@modelcontextprotocol/sdk/types.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { createHash, randomUUID } from 'node:crypto';
import { ProblemError, type AgentPrincipal } from '../api/index.ts';
import { outcomeOf } from '../api/service/outcome.ts';
import { toolNameSchema } from '../contract/call.ts';
import {
  executeRequestSchema,
  idempotencyKeySchema,
  type ExecuteRequest,
  type ExecuteResponse,
} from '../contract/execute.ts';
import type { ReviewId } from '../contract/ids.ts';
import type { Review } from '../contract/review.ts';
import { offeredName } from '../contract/tool-name.ts';
import { waitsWords, whyItWaits } from '../domain/deferral.ts';
import { isFinal } from '../domain/lifecycle.ts';
import type { Settings } from '../domain/policy/settings.ts';
import { serviceOf } from '../domain/policy/upstreams.ts';
import { canonicalJson } from '../domain/proof/digest.ts';
import { findOffered } from './catalog.ts';
import { parseParams, type McpRequest, type McpSession } from './request.ts';
import { resultOf } from './result.ts';
import { execute } from '../api/service/execute.ts';
import { getReview } from '../api/service/read.ts';

const HOLD_MS = 50_000;
const PROGRESS_EVERY_SECONDS = 5;

/** What the SDK hands over beside a request. */
export interface Extra {
  readonly requestId: string | number;
  readonly signal: AbortSignal;
  readonly _meta?: Readonly<Record<string, unknown>> | undefined;
  sendNotification(notification: ServerNotification): Promise<void>;
}

export interface Proposed {
  readonly response: ExecuteResponse;
  /** Undefined: blocked before a review of it could be recorded. */
  readonly review: Review | undefined;
}

/** Proposes the call; answers once it ran, was stopped, or is durably held. `key`: its idempotency key. */
export async function propose(
  request: McpRequest,
  params: CallToolRequest['params'],
  key: string | undefined,
): Promise<Proposed> {
  const { context, principal, caller } = request;
  const tool = resolveTool(context.settings.current(), principal, params.name);
  const meta = params._meta ?? {};
  const call = {
    service: serviceOf(tool),
    tool,
    arguments: params.arguments ?? {},
    ...optional('reason', meta['holdpoint/reason']),
    ...optional('context', meta['holdpoint/context']),
    ...optional('urgency', meta['holdpoint/urgency']),
    ...optional('threadId', meta['holdpoint/threadId']),
  } satisfies Record<keyof Pick<ExecuteRequest, 'service' | 'tool' | 'arguments'>, unknown>;
  const { body } = await execute(context, principal, parseParams(executeRequestSchema, call), {
    ...caller,
    idempotencyKey: key,
  });
  request.note(body);
  return { response: body, review: await readReview(request, body.reviewId) };
}

/** Proposes the call and holds it, with progress, as long as clients wait. */
export async function callTool(
  request: McpRequest,
  params: CallToolRequest['params'],
  key: string | undefined,
  extra: Extra,
): Promise<CallToolResult> {
  const startedAt = performance.now();
  const { response, review } = await propose(request, params, key);
  if (response.outcome !== 'ESCALATE') return resultOf(response, review, reviewsUrlOf(request));
  return holdReview(
    request,
    response.reviewId,
    (request.deps.holdMs ?? HOLD_MS) - (performance.now() - startedAt),
    extra,
    response.attached,
  );
}

/** Waits for the end of a review, at most `ms`; then says how it stands. Throws `not_found`. */
export async function holdReview(
  request: McpRequest,
  reviewId: ReviewId,
  ms: number,
  extra: Extra,
  attached?: true,
): Promise<CallToolResult> {
  const { context, deps, principal, caller } = request;
  const lookEvery = deps.lookEverySeconds ?? PROGRESS_EVERY_SECONDS;
  const startedAt = performance.now();
  const signal = AbortSignal.any([caller.signal, extra.signal]);
  const left = (): number => Math.ceil((ms - (performance.now() - startedAt)) / 1_000);
  for (;;) {
    const waitSeconds = Math.min(lookEvery, Math.max(left(), 0));
    const review = await getReview(context, principal, reviewId, { waitSeconds, signal, orChanges: true });
    if (isFinal(review) || review.status === 'changes_requested' || left() <= 0 || signal.aborted) {
      return reviewResult(request, review, attached);
    }
    await sendProgress(extra, review, (performance.now() - startedAt) / 1_000, ms / 1_000);
  }
}

/** `attached`: of the proposal that is answered. */
export function reviewResult(request: McpRequest, review: Review, attached?: true): ReturnType<typeof resultOf> {
  const { reviewId } = review;
  const response = outcomeOf(reviewId, review, `${request.caller.baseUrl}/v1/reviews/${reviewId}`);
  return resultOf(attached ? { ...response, attached } : response, review, reviewsUrlOf(request));
}

async function sendProgress(extra: Extra, { execution }: Review, progress: number, total: number): Promise<void> {
  const progressToken = extra._meta?.['progressToken'];
  if (typeof progressToken !== 'string' && typeof progressToken !== 'number') return;
  const [waits] = whyItWaits(execution);
  const params = {
    progressToken,
    progress: Math.round(progress),
    total: Math.round(total),
    message: waits === undefined ? 'Waiting for a human decision' : `Approved, ${waitsWords(waits)} (${waits.code})`,
  };
  await extra.sendNotification({ method: 'notifications/progress', params });
}

/** The review as the agent may see it; undefined: there is none. */
async function readReview({ context, principal, caller }: McpRequest, reviewId: ReviewId): Promise<Review | undefined> {
  try {
    return await getReview(context, principal, reviewId, { waitSeconds: 0, signal: caller.signal });
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/**
 * The full name of what is offered. A name that the gate knows goes on to it even where this agent is not offered it:
 * the gate says why not, and records it.
 */
function resolveTool(settings: Settings, { agent }: AgentPrincipal, name: string): string {
  const offered = findOffered(settings, agent, name);
  if (offered !== undefined) return offered;
  const { policy } = settings;
  const isKnown = policy.tools.has(name) || policy.findTool(name) !== undefined;
  if (toolNameSchema.safeParse(name).success && isKnown) return name;
  // Not offered for want of its connector.
  const missing = [...policy.tools.keys()].find((tool) => offeredName(tool) === name);
  if (missing !== undefined && policy.findTool(missing) === undefined) return missing;
  throw new McpError(ErrorCode.InvalidParams, 'Unknown tool');
}

/** An unanswered request that is sent again later than this is another call, ms. Longer than any call is held. */
const RESENT_WITHIN_MS = 15 * 60_000;

/**
 * Answers a call under its idempotency key: the client's own, or one that stands for the request until it is answered. A
 * JSON-RPC id is free again then, and many clients use one id for every request of a session: only a request that is sent
 * again before it was answered, because the connection broke, is the same call.
 */
export async function answerOnce<T>(
  request: McpRequest,
  params: CallToolRequest['params'],
  id: string | number,
  answer: (key: string | undefined) => Promise<T>,
): Promise<T> {
  const given = params._meta?.['holdpoint/idempotencyKey'];
  if (given !== undefined) {
    const parsed = idempotencyKeySchema.safeParse(given);
    if (!parsed.success)
      throw new McpError(ErrorCode.InvalidParams, 'holdpoint/idempotencyKey must have 1 to 255 characters');
    return answer(parsed.data);
  }
  const { context, session } = request;
  if (session === undefined || id === '') return answer(undefined);
  const { mcpRequests } = context.store;
  const name = nameOfRequest(session, params, id);
  const now = context.clock.now();
  const since = new Date(now - RESENT_WITHIN_MS).toISOString();
  const key = await mcpRequests.begin(name, `mcp-${randomUUID()}`, new Date(now).toISOString(), since);
  try {
    return await answer(key);
  } finally {
    // Before the answer is sent: the next request may come the moment it has arrived.
    if (!request.isGone()) {
      await mcpRequests.answered(name).catch((error: unknown) => {
        context.log.warn({ err: error }, 'an answered MCP request is still taken for an open one');
      });
    }
  }
}

function nameOfRequest({ nonce }: McpSession, params: CallToolRequest['params'], id: string | number): string {
  const { progressToken: _token, ...meta } = params._meta ?? {};
  return createHash('sha256')
    .update(canonicalJson([nonce, id, { ...params, _meta: meta }]))
    .digest('base64url');
}

function reviewsUrlOf({ caller }: McpRequest): string {
  return `${caller.baseUrl}/reviews`;
}

function optional(key: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [key]: value };
}

import type { AgentPrincipal } from '../principal.ts';
import { ProblemError, problemFields } from '../problem.ts';
import { argumentErrors, assessForAgent } from './assess.ts';
import { isoNow, proposeSignerOf, type ServiceContext } from './context.ts';
import { batchItemKey, fingerprintBody, findRejection, noteCall } from './reproposal.ts';
import { answerOf, blockedUnrecorded, outcomeOf } from './outcome.ts';
import { refuseSealed, sealCall } from './sealing.ts';
import type { BatchAnswer, ExecuteAnswer, ExecuteOptions } from './types.ts';
import { redactFor } from './read.ts';
import { watchReview, type ReviewWatch } from './hub.ts';
import { newUlid } from '../ulid.ts';
import type { ExecuteBatchRequest, ExecuteRequest, ExecuteResponse } from '../../contract/execute.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { Review } from '../../contract/review.ts';
import { isFinal } from '../../domain/lifecycle.ts';
import { isCallbackAllowed } from '../../domain/callback.ts';
import { clip, escapeMarkdown, summarizeCall } from '../../domain/gate/describe.ts';
import type { Assessment } from '../../domain/policy/assess.ts';
import { awaitsFirstToolList } from '../../domain/policy/upstreams.ts';
import { StorageError } from '../../ports/store.ts';

interface Idempotency {
  readonly key: string;
  readonly fingerprint: string;
}

export async function execute(
  context: ServiceContext,
  principal: AgentPrincipal,
  request: ExecuteRequest,
  options: ExecuteOptions,
): Promise<ExecuteAnswer> {
  proposeSignerOf(context);
  checkRequest(context, request);
  const idempotency = idempotencyOf(context, options.idempotencyKey, request);
  const claim = await claimReview(context, principal, idempotency);
  return proposeAndWait(context, principal, request, claim, options);
}

/** Several calls under one group, all at once; each stands alone. */
export async function executeBatch(
  context: ServiceContext,
  principal: AgentPrincipal,
  request: ExecuteBatchRequest,
  options: ExecuteOptions,
): Promise<BatchAnswer> {
  proposeSignerOf(context);
  const whole = idempotencyOf(context, options.idempotencyKey, request);
  const claims: ReviewClaim[] = [];
  for (const index of request.calls.keys()) {
    const item = whole && { ...whole, key: batchItemKey(whole.key, index) };
    claims.push(await claimReview(context, principal, item));
  }
  // A repeated batch finds the ids of the first, so it finds its group as well.
  const group = request.group ?? `grp_${(claims[0]?.reviewId ?? '').slice('rev_'.length)}`;
  const results = await Promise.all(
    request.calls.map(async (call, index) => {
      const claim = claims[index] as ReviewClaim;
      try {
        checkRequest(context, call);
        const answer = await proposeAndWait(context, principal, { ...call, group }, claim, options);
        return { httpStatus: answer.httpStatus, ...answer.body };
      } catch (error) {
        return problemFields(context, error);
      }
    }),
  );
  return { group, results };
}

/** What can be refused by looking at the request alone. */
function checkRequest(context: ServiceContext, request: ExecuteRequest): void {
  refuseSealed(request.arguments, request.context);
  const { callbacks } = context.settings.current();
  if (request.callback !== undefined && !isCallbackAllowed(request.callback, callbacks)) {
    throw new ProblemError('callback_not_allowed');
  }
}

function idempotencyOf(context: ServiceContext, key: string | undefined, body: unknown): Idempotency | undefined {
  return key === undefined ? undefined : { key, fingerprint: fingerprintBody(body, context.fingerprintKey) };
}

interface ReviewClaim {
  readonly reviewId: ReviewId;
  /** The key was seen before; the review may or may not have been started. */
  readonly seen: boolean;
}

/** Binds the key to a review before anything is started: a repeated request finds it, whatever became of the first. */
async function claimReview(
  context: ServiceContext,
  principal: AgentPrincipal,
  idempotency: Idempotency | undefined,
): Promise<ReviewClaim> {
  const reviewId = `rev_${newUlid(context.clock.now())}`;
  if (idempotency === undefined) return { reviewId, seen: false };
  const { key, fingerprint } = idempotency;
  const claim = await context.store.claimIdempotency(principal.id, key, reviewId, fingerprint);
  if (claim.kind === 'new') return { reviewId, seen: false };
  if (!claim.matches) throw new ProblemError('idempotency_mismatch', { reviewId: claim.reviewId });
  return { reviewId: claim.reviewId, seen: true };
}

async function proposeAndWait(
  context: ServiceContext,
  principal: AgentPrincipal,
  request: ExecuteRequest,
  claim: ReviewClaim,
  options: ExecuteOptions,
): Promise<ExecuteAnswer> {
  const { reviewId, seen } = claim;
  const known = seen ? await context.store.readReview(reviewId) : undefined;
  const statusUrl = `${options.baseUrl}/v1/reviews/${reviewId}`;
  let release: (() => void) | undefined;
  let watch: ReviewWatch | undefined;
  try {
    if (known === undefined) {
      const invisible = await findInvisibleErrors(context, reviewId, request);
      if (invisible !== undefined) return answerOf(invisible, seen);
      const assessment = assessForAgent(context.settings.current(), principal, request);
      refuseUnheard(context, request, assessment);
      const rejected = await findRejection(context, principal, request, assessment);
      if (rejected !== undefined) return answerOf(outcomeOf(rejected.reviewId, rejected, statusUrl), seen);
      release = await reservePending(context, principal, request);
      watch = await watchReview(context, reviewId, !seen);
      await Promise.all([
        start(context, principal, reviewId, request, assessment),
        noteCall(context, principal, reviewId, request, assessment),
      ]);
    }
    const review = await waitForOutcome(context, watch, reviewId, request, options, release);
    const shown = review === undefined ? undefined : redactFor(principal, review);
    const body = outcomeOf(reviewId, shown, statusUrl);
    return answerOf(withErrors(context, principal, request, body), seen);
  } finally {
    watch?.close();
    release?.();
  }
}

/** At a first start nobody is asked about what only the upstream's own word is missing for. */
function refuseUnheard(context: ServiceContext, { tool }: ExecuteRequest, { kind }: Assessment): void {
  if (kind === 'blocked' || !awaitsFirstToolList(context.settings.current(), tool)) return;
  throw new ProblemError('worker_unavailable', {
    detail: 'The upstream MCP server has not said yet what its tools are. Try again shortly.',
  });
}

/**
 * An error inside a value that is about to be sealed would not be seen by the gate worker, which blocks and records
 * every other invalid call. So it is refused here; nothing that could be approved comes of it.
 */
async function findInvisibleErrors(
  context: ServiceContext,
  reviewId: ReviewId,
  request: ExecuteRequest,
): Promise<ExecuteResponse | undefined> {
  const tool = context.settings.current().policy.findTool(request.tool);
  if (tool === undefined || (tool.definition.seal ?? []).length === 0) return undefined;
  const errors = argumentErrors(tool, request.arguments);
  if (errors.length === 0) return undefined;
  const sealed = await sealCall(context, reviewId, request.tool, request.arguments);
  if (tool.validate(sealed, { sealed: true }).length > 0) return undefined;
  context.log.info({ reviewId, tool: request.tool }, 'blocked: arguments_invalid inside a sealed value');
  return blockedUnrecorded(reviewId, 'arguments_invalid', errors);
}

async function start(
  context: ServiceContext,
  principal: AgentPrincipal,
  reviewId: ReviewId,
  plain: ExecuteRequest,
  assessment: Assessment,
): Promise<void> {
  const { deploymentId } = context.settings.current();
  const proposedAt = isoNow(context);
  const { waitSeconds: _held, ...said } = plain;
  const request: ExecuteRequest = {
    ...said,
    arguments: await sealCall(context, reviewId, plain.tool, plain.arguments),
  };
  const proposal = proposeSignerOf(context).sign('proposal', {
    deploymentId,
    reviewId,
    proposedAt,
    proposer: principal.id,
    request,
  });
  await context.gate.start(
    reviewId,
    { ...request, proposal },
    {
      summary: summarizeStart(request),
      details: describeStart(request, principal.id),
      memo: {
        proposer: principal.id,
        service: request.service,
        tool: request.tool,
        proposedAt,
        group: request.group ?? null,
        threadId: request.threadId ?? null,
      },
      expected: expectedOf(assessment),
    },
  );
}

/** Status and class as the gate worker will most likely see them. */
function expectedOf(assessment: Assessment): { readonly status: string; readonly class: string } {
  const status = ({ held: 'pending', free: 'not_required', blocked: 'blocked' } as const)[assessment.kind];
  return { status, class: assessment.class ?? 'unknown' };
}

/** Tells what does not fit: arguments, or the service. Computed again here: the record holds no words about them. */
function withErrors(
  context: ServiceContext,
  principal: AgentPrincipal,
  request: ExecuteRequest,
  body: ExecuteResponse,
): ExecuteResponse {
  if (body.outcome !== 'BLOCKED') return body;
  const settings = context.settings.current();
  if (body.reasonCodes.includes('arguments_invalid')) {
    const plain = argumentErrors(settings.policy.findTool(request.tool), request.arguments);
    if (plain.length > 0) return { ...body, errors: [...plain] };
  } else if (!body.reasonCodes.includes('unknown_tool')) return body;
  const assessment = assessForAgent(settings, principal, request);
  if (assessment.kind !== 'blocked' || assessment.errors.length === 0) return body;
  return { ...body, errors: [...assessment.errors] };
}

/** How long a proposal is held, in ms. */
const CLASSIFIED_WITHIN = 2_000;
const FREE_RESULT_WITHIN = 30_000;

/**
 * Holds the answer as long as the gate of the call allows. Undefined: not classified in time. `watching` was opened
 * before the start; a call that was proposed before is listened to from now on.
 */
async function waitForOutcome(
  context: ServiceContext,
  watching: ReviewWatch | undefined,
  reviewId: ReviewId,
  request: ExecuteRequest,
  options: ExecuteOptions,
  onClassified: (() => void) | undefined,
): Promise<Review | undefined> {
  const { signal } = options;
  let last: Review | undefined;
  let watch = watching;
  try {
    watch ??= await watchReview(context, reviewId);
    const classified = await watch.until((s) => s !== undefined, CLASSIFIED_WITHIN, signal);
    last = classified?.review;
    onClassified?.();
    if (last === undefined || isFinal(last)) return last;
    const hold = last.gate === 'hard' ? (request.waitSeconds ?? 0) * 1_000 : FREE_RESULT_WITHIN;
    if (hold === 0) return last;
    const ended = await watch.until((s) => s !== undefined && isFinal(s.review), hold, signal);
    return ended?.review ?? last;
  } catch (error) {
    // The review exists by now: a failed read must not look as if nothing had been proposed.
    if (!(error instanceof StorageError)) throw error;
    context.log.warn({ reviewId, code: error.code }, 'answering without waiting: storage does not answer');
    return last;
  } finally {
    watch?.close();
  }
}

/**
 * Holds an agent to its limit of pending hard reviews, before anything is recorded: the gate worker blocks what comes
 * past here. At the limit only what policy would let through at once is still taken: reversible work never waits for
 * people. Returns how to give the reservation back.
 */
async function reservePending(
  context: ServiceContext,
  principal: AgentPrincipal,
  request: ExecuteRequest,
): Promise<() => void> {
  const { limits } = context.settings.current();
  const { count, release } = context.reservations.take(principal.id);
  try {
    const stored = await context.store.countPending(principal.id);
    if (stored + count > limits.pendingPerAgent && wouldWait(context, principal, request)) {
      throw new ProblemError('too_many_pending');
    }
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

function wouldWait(context: ServiceContext, principal: AgentPrincipal, request: ExecuteRequest): boolean {
  return assessForAgent(context.settings.current(), principal, request).kind === 'held';
}

/** Limits of Temporal's static summary and details, in bytes. */
const SUMMARY_BYTES = 400;
const DETAILS_BYTES = 20_000;

/** The call in one line of Markdown. */
function summarizeStart(request: ExecuteRequest): string {
  return clip(escapeMarkdown(summarizeCall(request)), SUMMARY_BYTES);
}

/** What was proposed, in Markdown, for the Temporal Web UI while nobody has classified it yet. */
function describeStart(request: ExecuteRequest, proposer: string): string {
  const lines = [
    `Proposed by ${escapeMarkdown(proposer)}: ${escapeMarkdown(request.tool)}`,
    ...(request.reason === undefined ? [] : [`The agent says: ${escapeMarkdown(request.reason)}`]),
    `Arguments: ${escapeMarkdown(JSON.stringify(request.arguments))}`,
  ];
  return clip(lines.join('\n\n'), DETAILS_BYTES);
}

import { createHash } from 'node:crypto';
import { decisionIdOf, type ReviewId } from '../../contract/ids.ts';
import {
  OUTCOME_STATUS,
  type ExecuteBatchRequest,
  type ExecuteRequest,
  type ExecuteResponse,
} from '../../contract/execute.ts';
import type { JsonObject } from '../../contract/json.ts';
import { isCallbackAllowed } from '../../domain/callback.ts';
import { findInexact } from '../../contract/exact.ts';
import { findArgumentErrors, findFreeze, type Assessment } from '../../domain/policy/assess.ts';
import { explainReasons } from '../../domain/policy/explain-reasons.ts';
import type { Review } from '../../contract/review.ts';
import { StorageError } from '../../ports/store.ts';
import type { InForce } from '../../domain/policy/settings.ts';
import { awaitsFirstToolList } from '../../domain/policy/upstreams.ts';
import type { AgentPrincipal } from '../principal.ts';
import { ProblemError, problemFields } from '../problem.ts';
import { newUlid, isoNow, proposeSignerOf, type ServiceContext } from './context.ts';
import { argumentErrors, assessForAgent } from './assess.ts';
import { watchReview, type ReviewWatch } from './hub.ts';
import { outcomeOf } from './outcome.ts';
import { redactFor, tellWhyItWaits } from './read.ts';
import { fingerprintBody, fingerprintsOf, isHeld } from './reproposal.ts';
import { canHandOff, findHandOff, handOver, signCall, startGate } from './propose-call.ts';
import { refuseSealed, sealCall } from './sealing.ts';
import type { BatchAnswer, ExecuteAnswer, ExecuteOptions } from './types.ts';
import { waitForOutcome } from './wait-for-outcome.ts';

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
  const key = idempotencyOf(context, options.idempotencyKey, request);
  const bound = await bindCall(context, principal, request, key, []);
  return propose(context, principal, request, bound, options);
}

/** Proposes several calls under one group, all at once; each stands alone. */
export async function executeBatch(
  context: ServiceContext,
  principal: AgentPrincipal,
  request: ExecuteBatchRequest,
  options: ExecuteOptions,
): Promise<BatchAnswer> {
  proposeSignerOf(context);
  const whole = idempotencyOf(context, options.idempotencyKey, request);
  const bound: BoundReview[] = [];
  for (const [index, call] of request.calls.entries()) {
    const key = whole && { ...whole, key: batchItemKey(whole.key, index) };
    // Two equal calls in one batch are meant as two.
    const taken = bound.map(({ reviewId }) => reviewId);
    bound.push(await bindCall(context, principal, call, key, taken));
  }
  // A repeated batch finds the ids of the first, so it finds its group as well.
  const group = request.group ?? `grp_${(bound[0]?.reviewId ?? '').slice('rev_'.length)}`;
  const results = await Promise.all(
    request.calls.map(async (call, index) => {
      try {
        checkRequest(context, call);
        const proposed = { ...call, group };
        const answer = await propose(context, principal, proposed, bound[index] as BoundReview, options);
        return { httpStatus: answer.httpStatus, ...answer.body };
      } catch (error) {
        return problemFields(context, error);
      }
    }),
  );
  return { group, results };
}

/** Refuses what can be refused by looking at the request alone. */
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

/** Key of one call of a batch. Hashed, so that it cannot meet a key that the caller gives to a single call. */
function batchItemKey(key: string, index: number): string {
  return `batch:${index}:${createHash('sha256').update(key).digest('hex')}`;
}

interface BoundReview {
  readonly reviewId: ReviewId;
  readonly assessment: Assessment;
  /** The key was seen before; the review may or may not have been started. */
  readonly isReplay: boolean;
  /** An equal call stands for this one; its review may or may not have been started. */
  readonly isAttached: boolean;
}

/**
 * Binds the call to a review before anything is started: a repeated request finds it, whatever became of the first, and
 * an equal call that waits for people stands for this one.
 */
async function bindCall(
  context: ServiceContext,
  principal: AgentPrincipal,
  request: ExecuteRequest,
  key: Idempotency | undefined,
  taken: readonly ReviewId[],
): Promise<BoundReview> {
  const reviewId = `rev_${newUlid(context.clock.now())}`;
  const assessment = assessForAgent(context.settings.current(), principal, request);
  const fingerprints = isHeld(assessment) ? fingerprintsOf(context, request, assessment) : undefined;
  if (key === undefined && fingerprints === undefined) {
    return { reviewId, assessment, isReplay: false, isAttached: false };
  }
  const bound = await context.store.proposedCalls.bind({
    proposer: principal.id,
    key,
    reviewId,
    fingerprints,
    attach: isHeld(assessment) && assessment.approval.reproposal === 'attach',
    taken,
    at: isoNow(context),
  });
  const isReplay = bound.kind === 'seen';
  if (isReplay && !bound.matches) throw new ProblemError('idempotency_mismatch', { reviewId: bound.reviewId });
  const isAttached = isReplay ? bound.attached : bound.kind === 'attached';
  return { reviewId: bound.reviewId, assessment, isReplay, isAttached };
}

/** Refuses the call or starts it, unless it has been already; waits for its outcome, answers. */
async function propose(
  context: ServiceContext,
  principal: AgentPrincipal,
  request: ExecuteRequest,
  { reviewId, assessment, isReplay, isAttached }: BoundReview,
  options: ExecuteOptions,
): Promise<ExecuteAnswer> {
  const settings = context.settings.current();
  const statusUrl = `${options.baseUrl}/v1/reviews/${reviewId}`;
  // Of two equal calls at once, whichever comes second to the start is the one that is attached.
  let attached = isAttached;
  const answer = (body: ExecuteResponse): ExecuteAnswer => ({
    httpStatus: OUTCOME_STATUS[body.outcome],
    body: attached ? { ...body, attached: true } : body,
    replayed: isReplay,
  });
  const answerWith = async (found: Review | undefined): Promise<ExecuteAnswer> => {
    // The call was begun: a failed read must not look as if it had not been.
    const execution = found && (await unlessStorageFails(tellWhyItWaits(context, found)));
    const review = found && redactFor(principal, { ...found, execution: execution ?? found.execution });
    const body = outcomeOf(reviewId, review, statusUrl);
    return answer(withErrors(settings, request, body, assessment));
  };
  const isNew = !isReplay && !isAttached;
  const known = isNew ? undefined : await context.store.readReview(reviewId);
  let release: (() => void) | undefined;
  let watch: ReviewWatch | undefined;
  try {
    if (known === undefined) {
      const invisible = await findInvisibleErrors(context, reviewId, request);
      if (invisible !== undefined) return answer(invisible);
      refuseUnlisted(settings, request, assessment);
      const stopped = await findStop(context, reviewId, assessment);
      if (stopped !== undefined) return answer(withErrors(settings, request, stopped, assessment));
      const handOff = findHandOff(context, assessment);
      if (handOff === undefined) release = await reservePending(context, principal, assessment);
      const call = await signCall(context, principal, { reviewId, plain: request, assessment }, handOff !== undefined);
      const end = handOff && canHandOff(call) ? await handOver(context, handOff, call, options) : undefined;
      if (end !== undefined && end.kind !== 'gated') {
        const read = async () => (await unlessStorageFails(context.store.readReview(reviewId)))?.review;
        return await answerWith(end.kind === 'ended' ? end.review : await read());
      }
      watch = await watchReview(context, reviewId, !isNew || end !== undefined);
      const began = end === undefined ? await startGate(context, call) : 'started';
      if (!isReplay) attached = began === 'existing';
    }
    const onClassified = (): void => {
      release?.();
      options.endTurn?.();
    };
    return await answerWith(await waitForOutcome(context, watch, reviewId, request, options, onClassified));
  } finally {
    watch?.close();
    release?.();
  }
}

async function unlessStorageFails<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}

/** At a first start nobody is asked about a call for which only the upstream's first list of tools is missing. */
function refuseUnlisted(settings: InForce, { tool }: ExecuteRequest, { kind }: Assessment): void {
  if (kind === 'blocked' || !awaitsFirstToolList(settings, tool)) return;
  throw new ProblemError('worker_unavailable', {
    detail: 'The upstream MCP server has not listed its tools yet. Try again shortly.',
  });
}

/**
 * An error that the gate worker, which blocks and records every other invalid call, would not see: inside a value that is
 * about to be sealed, or a `-0`, which the proposal's JSON writes as `0`. So it is refused here; nothing that could be
 * approved comes of it.
 */
async function findInvisibleErrors(
  context: ServiceContext,
  reviewId: ReviewId,
  request: ExecuteRequest,
): Promise<ExecuteResponse | undefined> {
  const settings = context.settings.current();
  const { tool, arguments: args } = request;
  const seals = (settings.policy.findTool(tool)?.definition.seal ?? []).length > 0;
  if (!seals && findInexact(args).length === 0) return undefined;
  const errors = findArgumentErrors(settings, request, { sealed: false });
  if (errors.length === 0) return undefined;
  const sealed = await sealCall(context, reviewId, tool, args);
  const proposed = { tool, arguments: JSON.parse(JSON.stringify(sealed)) as JsonObject };
  if (findArgumentErrors(settings, proposed, { sealed: true }).length > 0) return undefined;
  context.log.info({ reviewId, tool }, 'blocked: arguments_invalid where the gate worker cannot see it');
  return { ...unrecordedBlock(reviewId, 'arguments_invalid'), errors: [...errors] };
}

/** A frozen call is stopped while Temporal is away, too: then nothing is started, and nothing of it recorded. */
async function findStop(
  { gate, log }: ServiceContext,
  reviewId: ReviewId,
  assessment: Assessment,
): Promise<ExecuteResponse | undefined> {
  if (assessment.kind !== 'blocked' || !assessment.reasonCodes.includes('frozen')) return undefined;
  try {
    await gate.ping();
    return undefined;
  } catch {
    log.info({ reviewId }, 'blocked: frozen, while Temporal is away');
    return unrecordedBlock(reviewId, 'frozen', assessment.class);
  }
}

/** Stopped before any review of it could be recorded. */
function unrecordedBlock(
  reviewId: ReviewId,
  code: 'arguments_invalid' | 'frozen',
  callClass: Assessment['class'] = null,
): Extract<ExecuteResponse, { outcome: 'BLOCKED' }> {
  return {
    outcome: 'BLOCKED',
    decisionId: decisionIdOf(reviewId),
    reviewId,
    class: callClass,
    gate: null,
    reasonCodes: [code],
    retryable: false,
  };
}

/**
 * Holds an agent to its limit of pending hard reviews, before anything is recorded: the gate worker blocks what comes
 * past here. At the limit only what policy would let through at once is still taken: reversible work never waits for
 * people. Returns how to give the reservation back.
 */
async function reservePending(
  context: ServiceContext,
  principal: AgentPrincipal,
  { kind }: Assessment,
): Promise<() => void> {
  const { limits } = context.settings.current();
  const { count, release } = context.reservations.take(principal.id);
  try {
    const stored = await context.store.countPending(principal.id);
    if (stored + count > limits.pendingPerAgent && kind === 'held') throw new ProblemError('too_many_pending');
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

/** Adds what there is to say of its reason codes, or what does not fit: arguments, the service, or the connector. The record holds no words about them. */
function withErrors(
  settings: InForce,
  request: ExecuteRequest,
  body: ExecuteResponse,
  assessment: Assessment,
): ExecuteResponse {
  if (body.outcome === 'ESCALATE') {
    const reasons = explainReasons(settings, request, body.reasonCodes);
    return reasons.length === 0 ? body : { ...body, reasons: [...reasons] };
  }
  if (body.outcome !== 'BLOCKED') return body;
  if (body.reasonCodes.includes('frozen')) {
    const freeze = findFreeze(settings, request);
    if (typeof freeze !== 'object') return body;
    return { ...body, errors: [{ pointer: '/tool', message: `frozen by ${freeze.by}: ${freeze.why}` }] };
  }
  const isInvalid = body.reasonCodes.includes('arguments_invalid');
  const isUnknown = ['unknown_tool', 'connector_missing'].some((code) => body.reasonCodes.includes(code));
  if (!isInvalid && !isUnknown) return body;
  const plain = isInvalid ? argumentErrors(settings, request, assessment) : [];
  const errors = plain.length > 0 ? plain : assessment.kind === 'blocked' ? assessment.errors : [];
  return errors.length === 0 ? body : { ...body, errors: [...errors] };
}

import type { ReviewerPrincipal } from '../principal.ts';
import { asProblem, ProblemError, problemFields, type ProblemOptions } from '../problem.ts';
import { isoNow, reviewSignerOf, type ServiceContext, newUlid } from './context.ts';
import { readToAct } from './read.ts';
import { fingerprintsOfVersion, noteVersion } from './reproposal.ts';
import { refuseForeignSealed, sealCall } from './sealing.ts';
import { sendAndSettle, storeAndSettle } from './settle.ts';
import type { Caller, DecisionResult, Settled } from './types.ts';
import type { ProblemCode } from '../../contract/codes.ts';
import type { DecisionRequest, ReconcileRequest } from '../../contract/decision.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import { checkDecision, refusalOfReconcile, stateOfReview, voterOf } from '../../domain/eligibility.ts';
import { digestOfShown } from '../../domain/gate/shown.ts';
import { findArgumentErrors } from '../../domain/policy/assess.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import { defined } from '../../contract/defined.ts';

/** Decisions on different reviews that are on their way at the same time. */
const PARALLEL = 8;

/**
 * Checks, signs and delivers one decision. Who may not decide is refused here, before anything is signed; the gate
 * worker and the execute worker ask the same questions again. What counts is logged by the worker that records it.
 */
export async function decide(
  context: ServiceContext,
  principal: ReviewerPrincipal,
  reviewId: ReviewId,
  request: DecisionRequest,
  caller: Caller,
): Promise<Settled> {
  try {
    return await sendDecision(context, principal, reviewId, request, caller);
  } catch (error) {
    const { code } = asProblem(error);
    const { id: reviewer, channel } = principal;
    context.log.info({ reviewId, reviewer, channel, decision: request.type, code }, 'decision refused');
    throw error;
  }
}

async function sendDecision(
  context: ServiceContext,
  principal: ReviewerPrincipal,
  reviewId: ReviewId,
  request: DecisionRequest,
  caller: Caller,
): Promise<Settled> {
  const signer = reviewSignerOf(context);
  checkShape(request);
  const review = await readToAct(context, principal, reviewId);
  const state = stateOfReview(review, digestOfShown(review));
  const refusal = checkDecision(
    state,
    voterOf(principal.reviewer),
    {
      type: request.type,
      digest: request.digest,
      comment: request.comment ?? null,
      editedArguments: request.arguments ?? null,
      response: request.response,
    },
    context.clock.now(),
  );
  if (refusal !== undefined) throw new ProblemError(refusal);
  const edited = request.type === 'edit' ? await prepareEdit(context, review, request) : undefined;
  const version = request.arguments && fingerprintsOfVersion(context, review, request.arguments);
  if (request.type === 'approve' || version !== undefined) await refuseRepeat(context, review, request, version?.call);
  const decisionUlid = newUlid(context.clock.now());
  const envelope = signer.sign('decision', {
    deploymentId: review.deploymentId,
    reviewId,
    decisionUlid,
    revision: state.spec.revision,
    level: state.level,
    type: request.type,
    // Taken from the state just read, and equal to what the caller was shown.
    digest: state.spec.digest,
    ...defined({ editedArguments: edited, response: request.response, comment: request.comment }),
    reviewer: { id: principal.id, method: principal.method },
    channel: principal.channel,
    decidedAt: isoNow(context),
  });
  if (request.type === 'reject' || request.type === 'revise') {
    const { type } = request;
    const isApproved = state.phase === 'approved';
    const objection = { reviewId, envelope, decisionUlid, type, revision: review.revision, isApproved };
    return storeAndSettle(context, principal, objection, caller);
  }
  const signal = { reviewId, name: 'submitDecision', envelope, decisionUlid } as const;
  const settled = await sendAndSettle(context, principal, signal, caller);
  if (settled.httpStatus === 200) await noteVersion(context, review, review.revision + 1, version);
  return settled;
}

/** A yes to a call that is made or waits already takes the words that twice is meant. `call`: as an edit would leave it. */
async function refuseRepeat(
  context: ServiceContext,
  review: Review,
  { repeats = [] }: DecisionRequest,
  call: string | undefined,
): Promise<void> {
  const equal = await context.store.proposedCalls.repeats(review, call);
  const missing = equal.filter(({ reviewId }) => !repeats.includes(reviewId));
  if (missing.length > 0) {
    throw new ProblemError('repeat_not_confirmed', { repeats: equal.map(({ reviewId }) => reviewId) });
  }
}

/** Each item stands alone; several on one review go in their order. */
export async function decideMany(
  context: ServiceContext,
  principal: ReviewerPrincipal,
  decisions: readonly (DecisionRequest & { readonly reviewId: ReviewId })[],
  caller: Caller,
): Promise<readonly DecisionResult[]> {
  reviewSignerOf(context);
  const results: DecisionResult[] = [];
  const byReview = new Map<ReviewId, [number, DecisionRequest & { readonly reviewId: ReviewId }][]>();
  for (const [index, item] of decisions.entries()) {
    byReview.set(item.reviewId, [...(byReview.get(item.reviewId) ?? []), [index, item]]);
  }
  const queue = [...byReview.values()];
  const work = async (): Promise<void> => {
    for (let items = queue.shift(); items !== undefined; items = queue.shift()) {
      for (const [index, item] of items) results[index] = await decideOne(context, principal, item, caller);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return results;
}

async function decideOne(
  context: ServiceContext,
  principal: ReviewerPrincipal,
  { reviewId, ...request }: DecisionRequest & { readonly reviewId: ReviewId },
  caller: Caller,
): Promise<DecisionResult> {
  try {
    const settled = await decide(context, principal, reviewId, request, caller);
    return { reviewId, httpStatus: settled.httpStatus };
  } catch (error) {
    const { httpStatus, code, repeats } = problemFields(context, error);
    return { reviewId, httpStatus, code, ...defined({ repeats: repeats && [...repeats] }) };
  }
}

/** A field that the type does not use must not be dropped in silence: somebody meant it. */
function checkShape(request: DecisionRequest): void {
  const { type } = request;
  const allowed = { arguments: ['edit'], response: ['respond'], repeats: ['approve', 'edit'] } as const;
  const errors = (Object.keys(allowed) as (keyof typeof allowed)[])
    .filter((key) => request[key] !== undefined && !allowed[key].some((one) => one === type))
    .map((key) => ({ pointer: `/${key}`, message: `is only for the type ${allowed[key].join(' or ')}, not ${type}` }));
  if (errors.length > 0) throw new ProblemError('invalid_request', { errors });
}

async function prepareEdit(
  context: ServiceContext,
  review: Review,
  request: DecisionRequest,
): Promise<JsonObject | undefined> {
  if (request.arguments === undefined) throw new ProblemError('edit_invalid');
  return prepareArguments(context, review, request.arguments, 'edit_invalid');
}

/** Other arguments of the same tool: checked in the clear, then sealed where the tool says so. */
export async function prepareArguments(
  context: ServiceContext,
  review: Review,
  args: JsonObject,
  code: 'edit_invalid' | 'revision_invalid',
): Promise<JsonObject> {
  if (review.kind === 'in-flow') {
    refuseForeignSealed(args, null, []);
    return args;
  }
  const tool = context.settings.current().policy.findTool(review.call.tool);
  if (tool === undefined) throw new ProblemError(code);
  const kept = refuseForeignSealed(args, review.call.arguments, tool.definition.seal ?? []);
  const call = { tool: review.call.tool, arguments: args };
  const errors = findArgumentErrors(context.settings.current(), call, { sealed: kept > 0 });
  if (errors.length > 0) throw new ProblemError(code, { errors });
  return sealCall(context, review.reviewId, review.call.tool, args);
}

/** Settles `outcome_unknown` with what a person found out. The gate asks {@link refusalOfReconcile} again. */
export async function reconcile(
  context: ServiceContext,
  principal: ReviewerPrincipal,
  reviewId: ReviewId,
  request: ReconcileRequest,
  caller: Caller,
): Promise<Settled> {
  const signer = reviewSignerOf(context);
  const review = await readToAct(context, principal, reviewId);
  // Law 9: what ran is told from the ledger.
  const ledger = await context.store.readLedger(reviewId);
  const now = context.clock.now();
  const claim = ledger?.claim ?? null;
  const outcome = {
    isUnknown: claim !== null && ledger?.state === 'unknown' && ledger.reconciliation === null,
    settledBy: claim?.settledBy ?? null,
    levels: review.levels,
    owner: review.proposer.owner,
  };
  const refusal = refusalOfReconcile(outcome, voterOf(principal.reviewer), now);
  if (refusal !== undefined) throw new ProblemError(refusal, whyNot(refusal, ledger, now));
  const decisionUlid = newUlid(now);
  const envelope = signer.sign('reconciliation', {
    deploymentId: review.deploymentId,
    reviewId,
    decisionUlid,
    digest: claim?.digest ?? '',
    outcome: request.outcome,
    note: request.note,
    reviewer: { id: principal.id, method: principal.method },
    channel: principal.channel,
    reconciledAt: isoNow(context),
  });
  return sendAndSettle(context, principal, { reviewId, name: 'reconcile', envelope, decisionUlid }, caller);
}

/** Before its time-out the request may yet have an effect; then a person cannot know either. */
function whyNot(refusal: ProblemCode, ledger: LedgerRow | undefined, now: number): ProblemOptions {
  if (refusal === 'self_approval') return { detail: 'The owner of the agent cannot settle its calls.' };
  if (refusal === 'not_an_approver') return { detail: 'Only those who may vote on the last level can settle it.' };
  if (refusal !== 'not_reconcilable') return {};
  if (ledger?.state !== 'unknown' || ledger.claim === null) {
    return { detail: `The execution is ${ledger?.state ?? 'not_started'}, not unknown: there is nothing to settle.` };
  }
  if (ledger.reconciliation !== null) return { detail: 'It has already been settled.' };
  const { settledBy } = ledger.claim;
  return {
    detail: `The request may still be in flight until ${settledBy}; after that it can be settled.`,
    retryAfterSeconds: Math.max(1, Math.ceil((Date.parse(settledBy) - now) / 1_000)),
  };
}

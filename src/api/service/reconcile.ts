import { ulid } from 'ulid';
import type { ReconcileRequest } from '../../contract/decision.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { Level, Review } from '../../contract/review.ts';
import { levelsOf } from '../../core/assess.ts';
import { mayVote } from '../../core/gate/check.ts';
import { votingGroups, type ReviewerPrincipal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import { isoNow, reviewSignerOf, type ServiceContext } from './context.ts';
import { readToAct } from './read.ts';
import { sendAndSettle } from './settle.ts';
import type { Caller, Settled } from './types.ts';

/**
 * Settles `outcome_unknown` with what a person found out: somebody who may vote on the last level and is neither the
 * owner nor the proposer, once the request can no longer be on its way.
 */
export async function reconcile(
  context: ServiceContext,
  principal: ReviewerPrincipal,
  reviewId: ReviewId,
  request: ReconcileRequest,
  caller: Caller,
): Promise<Settled> {
  const signer = reviewSignerOf(context);
  const review = await readToAct(context, principal, reviewId);
  const ledger = await context.store.readLedger(reviewId);
  const now = context.clock.now();
  if (ledger?.state !== 'unknown' || ledger.reconciliation !== null || ledger.claim === null) {
    throw new ProblemError('not_reconcilable');
  }
  if (!mayVote(lastLevel(context, review), votingGroups(principal), now)) throw new ProblemError('not_an_approver');
  if (principal.id === review.proposer.owner || principal.id === review.proposer.id) {
    throw new ProblemError('self_approval');
  }
  const left = Date.parse(ledger.claim.settledBy) - now;
  if (left > 0) {
    throw new ProblemError('not_reconcilable', {
      detail: 'The request may still be on its way. Try again after its time-out.',
      retryAfterSeconds: Math.ceil(left / 1_000),
    });
  }
  const decisionUlid = ulid(now);
  const envelope = signer.sign('reconciliation', {
    deploymentId: review.deploymentId,
    reviewId,
    decisionUlid,
    digest: ledger.claim.digest,
    outcome: request.outcome,
    note: request.note,
    reviewer: { id: principal.id, method: principal.method },
    channel: principal.channel,
    reconciledAt: isoNow(context),
  });
  const goneCode = 'not_reconcilable';
  return sendAndSettle(context, principal, { reviewId, name: 'reconcile', envelope, decisionUlid, goneCode }, caller);
}

/** A call that nobody had to approve has no levels; then those count that a hard gate of it would have. */
function lastLevel(context: ServiceContext, review: Review): Level | undefined {
  const own = review.levels.at(-1);
  if (own !== undefined) return own;
  const { policy } = context.settings.current();
  const plan = policy.approvalFor({
    tool: review.call.tool,
    service: review.call.service,
    arguments: review.call.arguments ?? {},
    context: review.context,
    pinnedContext: review.context,
    proposer: review.proposer.id,
  });
  return 'error' in plan ? undefined : levelsOf(plan, Date.parse(review.proposedAt)).at(-1);
}

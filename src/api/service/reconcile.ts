import { newUlid } from '../ulid.ts';
import type { ProblemCode } from '../../contract/codes.ts';
import type { ReconcileRequest } from '../../contract/decision.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import { mayReconcile } from '../../domain/gate/reconcile.ts';
import { votingGroups, type ReviewerPrincipal } from '../principal.ts';
import { ProblemError, type ProblemOptions } from '../problem.ts';
import { isoNow, reviewSignerOf, type ServiceContext } from './context.ts';
import { readToAct } from './read.ts';
import { sendAndSettle } from './settle.ts';
import type { Caller, Settled } from './types.ts';

/** Settles `outcome_unknown` with what a person found out. The gate asks {@link mayReconcile} again. */
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
  const refusal = mayReconcile({
    isUnknown: claim !== null && ledger?.state === 'unknown' && ledger.reconciliation === null,
    settledBy: claim?.settledBy ?? null,
    digestMatches: true,
    levels: review.levels,
    owner: review.proposer.owner,
    reviewer: principal.id,
    groups: votingGroups(principal),
    at: now,
  });
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
  const goneCode = 'not_reconcilable';
  return sendAndSettle(context, principal, { reviewId, name: 'reconcile', envelope, decisionUlid, goneCode }, caller);
}

/** Before its time-out the request may yet have an effect; then a person cannot know either. */
function whyNot(refusal: ProblemCode, ledger: LedgerRow | undefined, now: number): ProblemOptions {
  if (refusal !== 'not_reconcilable') return {};
  if (ledger?.state !== 'unknown' || ledger.claim === null) {
    return { detail: `The execution is ${ledger?.state ?? 'not_started'}, not unknown: there is nothing to settle.` };
  }
  if (ledger.reconciliation !== null) return { detail: 'Somebody has settled it already.' };
  const { settledBy } = ledger.claim;
  return {
    detail: `The request may still be on its way until ${settledBy}; from then on it can be settled.`,
    retryAfterSeconds: Math.max(1, Math.ceil((Date.parse(settledBy) - now) / 1_000)),
  };
}

import { newUlid, isoNow, proposeSignerOf, type ServiceContext } from './context.ts';
import type { RevisionRequest } from '../../contract/decision.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { Digest } from '../../contract/json.ts';
import { LIMITS, type Review } from '../../contract/review.ts';
import { hasEnded } from '../../domain/lifecycle.ts';
import type { AgentPrincipal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import { prepareArguments } from './decide.ts';
import { digestOfShown } from '../../domain/gate/shown.ts';
import { readToAct, redactFor } from './read.ts';
import { fingerprintsOfVersion, noteVersion } from './reproposal.ts';
import { sendAndSettle } from './settle.ts';
import type { Caller, Settled } from './types.ts';
import { defined } from '../../contract/defined.ts';

/** Other arguments in answer to a request for changes; the proposer alone may. */
export async function revise(
  context: ServiceContext,
  principal: AgentPrincipal,
  reviewId: ReviewId,
  request: RevisionRequest,
  caller: Caller,
): Promise<Settled> {
  const signer = proposeSignerOf(context);
  const review = await readToAct(context, principal, reviewId);
  if (isAnswered(review, request.revision)) return { httpStatus: 200, review: redactFor(principal, review) };
  refuseLate(context, review);
  if (request.revision !== undefined && request.revision !== review.revision) {
    throw new ProblemError('not_awaiting_revision');
  }
  if (review.status !== 'changes_requested') throw new ProblemError('not_awaiting_revision');
  if (review.revision >= LIMITS.revisions) throw new ProblemError('too_many_revisions');
  const args = await prepareArguments(context, review, request.arguments, 'revision_invalid');
  const decisionUlid = newUlid(context.clock.now());
  const envelope = signer.sign('revision', {
    deploymentId: review.deploymentId,
    reviewId,
    decisionUlid,
    proposer: principal.id,
    digest: digestToName(review),
    arguments: args,
    ...defined({ reason: request.reason }),
    submittedAt: isoNow(context),
  });
  const signal = { reviewId, name: 'submitRevision', envelope, decisionUlid } as const;
  const settled = await sendAndSettle(context, principal, signal, caller);
  // Not before it is admitted: of two answers to one request for changes only one becomes the next version.
  if (settled.httpStatus === 200) {
    await noteVersion(context, review, review.revision + 1, fingerprintsOfVersion(context, review, request.arguments));
  }
  return settled;
}

/** Whether the proposer has answered the request for changes of this revision: a request that was lost on its way back. */
function isAnswered(review: Review, asked: number | undefined): boolean {
  if (asked === undefined) return false;
  return review.revisions.some(({ revision, by }) => revision === asked + 1 && by === review.proposer.id);
}

/** Takes the proposal back; the proposer alone may. */
export async function withdraw(
  context: ServiceContext,
  principal: AgentPrincipal,
  reviewId: ReviewId,
  caller: Caller,
): Promise<Settled> {
  const signer = proposeSignerOf(context);
  const review = await readToAct(context, principal, reviewId);
  refuseLate(context, review);
  const decisionUlid = newUlid(context.clock.now());
  const envelope = signer.sign('withdrawal', {
    deploymentId: review.deploymentId,
    reviewId,
    decisionUlid,
    proposer: principal.id,
    digest: digestToName(review),
    withdrawnAt: isoNow(context),
  });
  return sendAndSettle(context, principal, { reviewId, name: 'withdraw', envelope, decisionUlid }, caller);
}

/** The same order as for a decision: the deadline before the end. */
function refuseLate(context: ServiceContext, review: Review): void {
  if (review.status === 'expired') throw new ProblemError('expired');
  if (hasEnded(review.status)) throw new ProblemError('already_resolved');
  if (review.expiresAt !== null && context.clock.now() >= Date.parse(review.expiresAt))
    throw new ProblemError('expired');
}

/** Without a digest there is nothing yet that a signature could name: the evidence is still being gathered. */
function digestToName(review: Review): Digest {
  const digest = digestOfShown(review);
  if (digest === null) {
    throw new ProblemError('worker_unavailable', { detail: 'The review is still being prepared. Try again shortly.' });
  }
  return digest;
}

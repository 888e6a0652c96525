import type { GatedCallInput } from '../../workflows/messages.ts';
import { EXECUTION_ERRORS } from '../../contract/codes.ts';
import { hasEnded, NOT_STARTED } from '../../contract/review.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import type { ReviewWrite } from '../../ports/store.ts';
import { entryOf } from '../../domain/gate/change.ts';
import type { Recovery, SweepDeps } from '../sweep.ts';

/** Starts `gatedCall` again under the same id, for a review whose outcome a person must still settle. */
export type Restart = (reviewId: string, request: GatedCallInput) => Promise<void>;

/**
 * Reviews that Temporal has lost: terminated, failed, or gone with an old copy of its database. An outcome that a person
 * must settle gets its workflow back; an open row becomes `aborted`, which is not a decision.
 */
export const lostReviews = (restart: Restart): readonly Recovery[] => [
  { state: 'unknown', plan: (deps, row) => planRestart(deps, row, restart) },
  { state: 'open', plan: planAbort },
];

async function planAbort(deps: SweepDeps, row: LedgerRow): Promise<() => Promise<boolean>> {
  const { reviewId, proposalDigest } = row;
  const at = new Date(deps.clock.now()).toISOString();
  const { deploymentId } = deps.settings.current();
  const stored = await deps.store.readReview(reviewId);
  // After a yes it is the execution that ended; who waits for the result would wait for ever otherwise.
  const error = { code: 'aborted', message: EXECUTION_ERRORS.aborted };
  const review: ReviewWrite =
    stored !== undefined && hasEnded(stored.review.status)
      ? { kind: 'execution', reviewId, execution: { ...NOT_STARTED, status: 'failed', error, finishedAt: at } }
      : { kind: 'end', reviewId, status: 'aborted', at };
  return async () => {
    const { ok } = await deps.store.commit({
      key: `aborted:${reviewId}`,
      ledger: { to: 'deny', reviewId, proposalDigest, reason: 'aborted', at },
      entries: [{ ...entryOf({ deploymentId, reviewId }, at), type: 'aborted', reason: 'workflow_lost' }],
      review,
    });
    return ok;
  };
}

/** The request as it was proposed: only that one matches the digest which the ledger row is bound to. */
async function planRestart(
  deps: SweepDeps,
  row: LedgerRow,
  restart: Restart,
): Promise<(() => Promise<boolean>) | undefined> {
  const record = await deps.store.readRecord(row.reviewId);
  const stored = await deps.store.readReview(row.reviewId);
  const first = record?.materials[0];
  if (record === undefined || stored === undefined || first === undefined) return undefined;
  const proposal = record.envelopes.find((envelope) => envelope.kind === 'proposal')?.envelope;
  const { reason, threadId } = stored.review;
  const request: GatedCallInput = {
    service: first.service,
    tool: first.tool,
    arguments: first.arguments,
    ...(reason === null ? {} : { reason }),
    ...(threadId === null ? {} : { threadId }),
    ...(proposal === undefined ? {} : { proposal }),
  };
  return async () => {
    await restart(row.reviewId, request);
    return true;
  };
}

import type { GatedCallInput } from '../../workflows/messages.ts';
import { EXECUTION_ERRORS } from '../../contract/codes.ts';
import { hasEnded, NOT_STARTED } from '../../contract/review.ts';
import type { LedgerRow, ReviewWrite, Store } from '../../contract/store.ts';
import { entryOf } from '../../core/gate/entries.ts';
import type { SettingsSource } from '../../core/settings.ts';
import type { Clock } from '../ports.ts';

export interface SweepDeps {
  readonly store: Store;
  readonly settings: SettingsSource;
  readonly clock: Clock;
  /** Whether Temporal still has a running workflow of this id; throws where Temporal cannot say. */
  isRunning(reviewId: string): Promise<boolean>;
  /** Starts `gatedCall` again under the same id, for a review whose outcome a person must still settle. */
  restart(reviewId: string, request: GatedCallInput): Promise<void>;
}

/** Younger reviews are left alone, ms. */
const QUIET_MS = 10_000;
const BATCH = 100;

/**
 * Settles reviews that Temporal has lost: terminated, failed, or gone with an old copy of its database. An open row
 * becomes `aborted`, which is nobody's no; an outcome that a person must settle gets its workflow back.
 */
export async function sweepLostReviews(deps: SweepDeps): Promise<number> {
  const before = new Date(deps.clock.now() - QUIET_MS).toISOString();
  let settled = 0;
  for (const reviewId of await deps.store.unsettled(before, BATCH)) {
    const row = await deps.store.readLedger(reviewId);
    if (row === undefined || (row.state !== 'open' && row.state !== 'unknown')) continue;
    if (row.reconciliation !== null || (await deps.isRunning(reviewId))) continue;
    settled += row.state === 'open' ? await abort(deps, row) : await revive(deps, row);
  }
  return settled;
}

async function abort(deps: SweepDeps, row: LedgerRow): Promise<number> {
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
  const { ok } = await deps.store.commit({
    key: `aborted:${reviewId}`,
    ledger: { to: 'deny', reviewId, proposalDigest, reason: 'aborted', at },
    entries: [{ ...entryOf({ deploymentId, reviewId }, at), type: 'aborted', reason: 'workflow_lost' }],
    review,
  });
  return ok ? 1 : 0;
}

/** The request as it was proposed: only that one matches the digest which the ledger row is bound to. */
async function revive(deps: SweepDeps, row: LedgerRow): Promise<number> {
  const record = await deps.store.readRecord(row.reviewId);
  const stored = await deps.store.readReview(row.reviewId);
  const first = record?.materials[0];
  if (record === undefined || stored === undefined || first === undefined) return 0;
  const proposal = record.envelopes.find((envelope) => envelope.kind === 'proposal')?.envelope;
  const { reason, threadId } = stored.review;
  await deps.restart(row.reviewId, {
    service: first.service,
    tool: first.tool,
    arguments: first.arguments,
    ...(reason === null ? {} : { reason }),
    ...(threadId === null ? {} : { threadId }),
    ...(proposal === undefined ? {} : { proposal }),
  });
  return 1;
}

import type { ExecutionOutcome } from '../../contract/store.ts';
import { EXECUTION_ERRORS } from '../../contract/codes.ts';
import { entryOf } from '../../core/gate/entries.ts';
import { executionOf } from '../../core/outcome.ts';
import type { ExecuteDeps } from './deps.ts';

/** What a claim may be overdue before its worker is taken for lost, ms. */
const OVERDUE_MS = 30_000;
const BATCH = 100;

/**
 * Claims whose workflow is gone and whose request can no longer be on its way: nobody will ask again, so the outcome
 * is unknown until a person says. Only the execute worker settles claims.
 */
export async function sweepLostClaims(
  deps: Pick<ExecuteDeps, 'store' | 'settings' | 'clock'> & { isRunning(reviewId: string): Promise<boolean> },
): Promise<number> {
  const now = deps.clock.now();
  const at = new Date(now).toISOString();
  let settled = 0;
  for (const reviewId of await deps.store.unsettled(new Date(now - OVERDUE_MS).toISOString(), BATCH)) {
    const row = await deps.store.readLedger(reviewId);
    if (row?.state !== 'claimed' || row.claim === null) continue;
    if (now < Date.parse(row.claim.settledBy) + OVERDUE_MS || (await deps.isRunning(reviewId))) continue;
    const error = { code: 'lost_worker', message: EXECUTION_ERRORS.lost_worker };
    const outcome: ExecutionOutcome = { error, finishedAt: at };
    const { ok } = await deps.store.commit({
      ledger: { to: 'unknown', reviewId, outcome },
      entries: [
        {
          ...entryOf({ deploymentId: deps.settings.current().deploymentId, reviewId }, at),
          type: 'unknown',
          errorCode: 'lost_worker',
        },
      ],
      review: { kind: 'execution', reviewId, execution: executionOf({ ...row, state: 'unknown', outcome }) },
    });
    settled += ok ? 1 : 0;
  }
  return settled;
}

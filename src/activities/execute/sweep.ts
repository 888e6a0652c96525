import type { ExecutionOutcome } from '../../domain/ledger.ts';
import { EXECUTION_ERRORS } from '../../contract/codes.ts';
import { entryOf } from '../../domain/gate/change.ts';
import { executionOf } from '../../domain/outcome.ts';
import type { Recovery } from '../sweep.ts';

/** What a claim may be overdue before its worker is taken for lost, ms. */
const OVERDUE_MS = 30_000;

/**
 * Claims whose workflow is gone and whose request can no longer be on its way: nobody will ask again, so the outcome
 * is unknown until a person says. Only the execute worker settles claims.
 */
export const lostClaims: Recovery = {
  state: 'claimed',
  plan: async ({ store, settings, clock }, row) => {
    const now = clock.now();
    if (row.claim === null || now < Date.parse(row.claim.settledBy) + OVERDUE_MS) return undefined;
    const { reviewId } = row;
    const finishedAt = new Date(now).toISOString();
    const error = { code: 'lost_worker', message: EXECUTION_ERRORS.lost_worker };
    const outcome: ExecutionOutcome = { error, finishedAt };
    const entry = entryOf({ deploymentId: settings.current().deploymentId, reviewId }, finishedAt);
    return async () => {
      const { ok } = await store.commit({
        ledger: { to: 'unknown', reviewId, outcome },
        entries: [{ ...entry, type: 'unknown', errorCode: 'lost_worker' }],
        review: { kind: 'execution', reviewId, execution: executionOf({ ...row, state: 'unknown', outcome }) },
      });
      return ok;
    };
  },
};

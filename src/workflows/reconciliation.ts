import type { Admitted } from '../activities/api.ts';
import { refusalOfReconcile } from '../domain/eligibility.ts';
import type { InboxItem } from './inbox.ts';
import { gate } from './local.ts';
import type { Session } from './session.ts';

/**
 * A reviewer has found out what became of a call that nobody knew of. Only from `unknown`, only by somebody who may
 * vote on the last level and does not own the proposer, and only once the request can no longer be on its way.
 */
export async function settleByHand(
  session: Session,
  item: InboxItem,
  fact: Extract<Admitted, { kind: 'reconciliation' }>,
): Promise<'done'> {
  const outcome = await gate.readOutcome({ reviewId: session.reviewId });
  const { levels, owner } = session.current.material;
  const isUnknown = outcome.state === 'unknown' && outcome.execution.reconciled === undefined;
  const refusal =
    refusalOfReconcile(
      { isUnknown, settledBy: outcome.settledBy, levels, owner },
      { id: fact.by, groups: fact.groups },
      item.at,
    ) ?? (fact.digest === outcome.claimedDigest ? undefined : 'digest_mismatch');
  if (refusal !== undefined) {
    session.inbox.answer(fact.decisionUlid, refusal);
    return 'done';
  }
  const at = new Date(Date.now()).toISOString();
  const reconciled = { outcome: fact.outcome, by: fact.by, note: fact.note, at };
  const execution = {
    ...outcome.execution,
    status: fact.outcome,
    error: fact.outcome === 'executed' ? null : { code: 'reconciled_failed', message: fact.note },
    reconciled,
  };
  const { ok } = await session.commit({
    key: `admitted:${fact.decisionUlid}`,
    record: { ...session.record, execution },
    entries: [
      (base) => ({
        ...base,
        type: 'reconciled',
        outcome: fact.outcome,
        by: fact.by,
        envelopeDigest: fact.envelopeDigest,
      }),
    ],
    ledger: { to: 'reconcile', reviewId: session.reviewId, outcome: fact.outcome, by: fact.by, note: fact.note, at },
    envelopes: [item],
    settlesExecution: true,
  });
  session.inbox.answer(fact.decisionUlid, ok ? 'accepted' : 'not_reconcilable');
  return 'done';
}

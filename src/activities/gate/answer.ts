import type { LedgerTransition } from '../../domain/ledger.ts';
import { findStanding } from '../../domain/gate/objections.ts';
import { outcomeOf } from '../../domain/outcome.ts';
import type { RecordInput, RecordOutcome } from '../api.ts';
import { readObjections } from '../objections.ts';
import type { GateDeps } from './deps.ts';

/**
 * For an in-flow question the commit that answers is the claim: the same objections stand against it, and it names how
 * many were judged. Undefined: this commit answers nothing, or nothing stands in its way but what the database counts.
 */
export async function judgeAnswer(
  deps: Pick<GateDeps, 'store' | 'settings' | 'verifier'>,
  { ledger, review }: RecordInput,
): Promise<{ readonly ledger: LedgerTransition } | { readonly refused: RecordOutcome } | undefined> {
  if (ledger?.to !== 'deny' || ledger.reason !== 'answered') return undefined;
  const row = await deps.store.readLedger(ledger.reviewId);
  // Without a row there is nothing to object to; another state is for the commit to tell.
  if (row?.state !== 'open') return { ledger: { ...ledger, objections: 0 } };
  const refused = (why: NonNullable<RecordOutcome['why']>) => ({
    refused: { ok: false, outcome: outcomeOf(row), why },
  });
  const { count, verified, isUnreadable } = await readObjections(deps, row);
  const inTime = verified.filter(({ storedAt }) => row.expiresAt === null || storedAt < Date.parse(row.expiresAt));
  const claimed = { digest: review.call.digest ?? '', levels: review.levels };
  const settings = deps.settings.current();
  // Judged as the gate judges them, at the time they were stored: else they could send a yes back and forth.
  if (inTime.some((no) => findStanding([no], claimed, settings, no.storedAt) !== undefined)) return refused('objected');
  return isUnreadable ? refused('objection_unreadable') : { ledger: { ...ledger, objections: count } };
}

import { outcomeOf, type Outcome } from '../../domain/outcome.ts';
import type { RecordOutcome } from '../api.ts';
import type { GateDeps } from './deps.ts';
import type { LedgerTransition } from '../../domain/ledger.ts';
import { findStanding } from '../../domain/gate/objections.ts';
import { readObjections } from '../objections.ts';
import type { RecordInput } from '../../domain/gate/change.ts';

/** Writes what the gate decided before anybody is told. Trying again with the same key writes nothing twice. */
export async function record(
  deps: Pick<GateDeps, 'store' | 'settings' | 'verifier'>,
  input: RecordInput,
): Promise<RecordOutcome> {
  const judged = await judgeAnswer(deps, input);
  if (judged !== undefined && 'refused' in judged) return judged.refused;
  const ledger = judged?.ledger ?? input.ledger;
  const result = await deps.store.commit({
    key: input.key,
    ...(ledger === null ? {} : { ledger }),
    entries: input.entries,
    review: {
      kind: 'state',
      review: input.review,
      envelopes: input.envelopes,
      materials: input.materials,
      settlesExecution: input.settlesExecution ?? false,
    },
  });
  const outcome = result.row === null ? null : outcomeOf(result.row);
  // Refused although the row is open: another objection was stored since they were judged.
  const overtaken = judged !== undefined && !result.ok && outcome?.state === 'open';
  return { ok: result.ok, outcome, ...(overtaken ? { why: 'objected' } : {}) };
}

/** What ran is told from here, never from an activity's result. */
export async function readOutcome(
  deps: Pick<GateDeps, 'store'>,
  input: { readonly reviewId: string },
): Promise<Outcome> {
  const row = await deps.store.readLedger(input.reviewId);
  if (row === undefined) throw new Error(`no ledger row for ${input.reviewId}`);
  return outcomeOf(row);
}

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

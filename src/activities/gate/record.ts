import { outcomeOf, type Outcome } from '../../domain/outcome.ts';
import type { RecordInput, RecordOutcome } from '../api.ts';
import { judgeAnswer } from './answer.ts';
import type { GateDeps } from './deps.ts';

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

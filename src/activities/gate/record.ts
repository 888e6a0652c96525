import { outcomeOf, type Outcome } from '../../core/outcome.ts';
import type { RecordInput, RecordOutcome } from '../api.ts';
import type { GateDeps } from './deps.ts';

/** Writes what the gate decided before anybody is told. Trying again with the same key writes nothing twice. */
export async function record(deps: Pick<GateDeps, 'store'>, input: RecordInput): Promise<RecordOutcome> {
  const result = await deps.store.commit({
    key: input.key,
    ...(input.ledger === null ? {} : { ledger: input.ledger }),
    entries: input.entries,
    review: {
      kind: 'state',
      review: input.review,
      envelopes: input.envelopes,
      materials: input.materials,
      settlesExecution: input.settlesExecution ?? false,
    },
  });
  return { ok: result.ok, outcome: result.row === null ? null : outcomeOf(result.row) };
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

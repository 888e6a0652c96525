import { outcomeOf, type Outcome } from '../../core/outcome.ts';
import type { NotifyInput, RecordInput, RecordOutcome } from '../api.ts';
import { entryOf } from '../../core/gate/entries.ts';
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

/**
 * Tells people, then records whom. Told twice is possible, told never is not. This is an ordinary activity, which others
 * can schedule too: people are told what the database says of the review, never what the input says, and the key cannot
 * be one that the gate will need.
 */
export async function notify(deps: Pick<GateDeps, 'store' | 'notifier' | 'clock'>, input: NotifyInput): Promise<void> {
  if (deps.notifier === null) return;
  const stored = await deps.store.readReview(input.review.reviewId);
  if (stored === undefined) return;
  const { review } = stored;
  const told = await deps.notifier.notify({ event: input.event, review, to: input.to });
  const at = new Date(deps.clock.now()).toISOString();
  await deps.store.commit({
    key: `notified:${review.reviewId}:${input.key}`,
    entries: [
      {
        ...entryOf(review, at),
        type: 'notified',
        event: input.event,
        channel: told.channel,
        recipients: [...told.recipients],
      },
    ],
  });
}

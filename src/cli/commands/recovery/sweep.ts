import { StartError } from '../../start-error.ts';
import { createReviewLookups } from '../../compose/lookups.ts';
import { createTemporalBinding } from '../../compose/temporal-binding.ts';
import type { Io } from '../../ui/io.ts';
import { confirmLost, listLost, type RecoveryOptions } from './lost.ts';
import { withPlace } from './place.ts';

/**
 * `holdpoint reviews sweep`: approves that the reviews listed are settled as lost. The workers settle them with their next
 * sweep: each part has rights of its own.
 *
 * @throws StartError `temporal_changed`: to another Temporal every review looks lost
 */
export async function sweep(io: Io, options: RecoveryOptions): Promise<void> {
  await withPlace(io, async ({ store, temporal }) => {
    const { isKnown } = createReviewLookups(temporal, null);
    const bound = await createTemporalBinding(temporal, store.recovery, isKnown).check();
    if (!bound) {
      throw new StartError('temporal_changed', 'The database belongs to no Temporal yet: start a gate worker first.');
    }
    const { halt } = await store.recovery.status();
    const lost = await listLost(store, temporal, () => io.now());
    if (halt !== null) io.print(`halted since ${halt.at}`, '');
    await confirmLost(io, lost, 'Settle them as lost?', options);
    await store.recovery.approveLost(lost.map(({ reviewId }) => reviewId));
    io.data({ approved: lost, haltedAt: halt?.at ?? null });
    io.print('Approved. The workers settle them with their next sweep, within a minute.');
  });
}

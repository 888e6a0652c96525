import { describeIdentity, isSameTemporal, readTemporalIdentity } from '../../compose/temporal-binding.ts';
import type { Io } from '../../ui/io.ts';
import { confirmLost, listLost, type RecoveryOptions } from './lost.ts';
import { withPlace } from './place.ts';

/**
 * `holdpoint temporal rebind`: binds the database to the Temporal that the environment names. Workers on that Temporal then
 * settle what it does not have.
 */
export async function rebind(io: Io, options: RecoveryOptions): Promise<void> {
  await withPlace(io, async ({ store, temporal }) => {
    const [here, bound] = await Promise.all([readTemporalIdentity(temporal), store.recovery.binding()]);
    if (bound !== undefined && isSameTemporal(bound, here)) {
      io.data({ rebound: false, bound });
      io.print(`The database belongs to this Temporal already: ${describeIdentity(here)}.`);
      return;
    }
    const lost = await listLost(store, temporal, () => io.now());
    io.print(
      `bound to: ${bound === undefined ? 'nothing yet' : describeIdentity(bound)}`,
      `to bind:  ${describeIdentity(here)} (${temporal.namespace})`,
      '',
    );
    await confirmLost(io, lost, 'Go on with this Temporal?', options);
    await store.recovery.rebind(
      here,
      lost.map(({ reviewId }) => reviewId),
    );
    io.data({ rebound: true, bound: here, before: bound ?? null, lost });
    io.print('Bound. Workers that start now settle what was listed.');
  });
}

import { createSweep, type Recovery, type SweepEvent } from '../../activities/lost-reviews.ts';
import { StartError } from '../start-error.ts';
import { systemClock, type Foundation } from './foundation.ts';
import { createReviewLookups } from './lookups.ts';
import { repeat } from './periodic.ts';

const SWEEP_EVERY_MS = 15_000;

/**
 * Sweeps again and again while Temporal is the one that the database belongs to. The process ends as soon as it is another
 * one: to that one every review looks lost.
 */
export function startSweep(foundation: Foundation, name: string, recoveries: readonly Recovery[]): void {
  const { log, store, settings, temporal, binding, shutdown } = foundation;
  const { isRunning } = createReviewLookups(temporal, null);
  const sweep = createSweep(recoveries);
  let haltSaid: string | undefined;
  const report = (event: SweepEvent): void => {
    if (event.kind === 'settled') {
      log.warn({ reviewId: event.reviewId, was: event.was }, 'settled a review whose workflow Temporal has lost');
    } else if (event.halt.at !== haltSaid) {
      haltSaid = event.halt.at;
      const { at, reviewIds } = event.halt;
      log.error(
        { code: 'sweep_halted', haltedAt: at, reviewIds },
        'too many reviews are lost at once, so none is settled any more: see `holdpoint reviews sweep`',
      );
    }
  };
  const sweeping = repeat(name, SWEEP_EVERY_MS, log, async () => {
    try {
      if (await binding.check()) await sweep({ store, settings, clock: systemClock, isRunning, report });
    } catch (error) {
      if (error instanceof StartError && error.code === 'temporal_changed') foundation.fail(error);
      throw error;
    }
  });
  shutdown.add(name, () => sweeping.stop());
}

import { createLocalHandOff, createRemoteHandOff, type HandOff } from '../../api/index.ts';
import type { DirectActivities } from '../../activities/api.ts';
import type { Foundation } from './foundation.ts';
import { repeatUntilShutdown } from './serve.ts';
import { hasStandaloneActivities } from './standalone-activities.ts';
import { DIRECT_SLOTS } from './workers.ts';

const ASK_EVERY_MS = 60_000;
/** Until the database is bound to this Temporal, which the first gate worker does. */
const LOOK_EVERY_MS = 2_000;

/** Hands calls to an execute worker of this process. A shutdown waits for those that are under way. */
export function openLocalHandOff({ shutdown }: Foundation, { executeFree }: DirectActivities): HandOff {
  const handOff = createLocalHandOff(executeFree, DIRECT_SLOTS);
  shutdown.add('calls without a workflow', () => handOff.idle());
  return handOff;
}

/** Hands calls to execute workers elsewhere, through Temporal, while it can. */
export async function openRemoteHandOff(foundation: Foundation): Promise<HandOff> {
  const { log, temporal, binding } = foundation;
  let isKnown = false;
  let isBound = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  let isSaid = false;
  const note = (known: boolean): void => {
    if (!known && !isSaid) {
      log.warn(
        { code: 'standalone_activities_missing' },
        'this Temporal has no standalone activities, so reversible calls take a workflow each: on a server of your own, set activity.enableStandalone to true',
      );
    }
    isSaid ||= !known;
    isKnown = known;
  };
  const look = async (): Promise<void> => {
    if (isBound && performance.now() - askedAt < ASK_EVERY_MS) return;
    askedAt = performance.now();
    isBound = await binding.check();
    note(await hasStandaloneActivities(temporal.connection, temporal.namespace));
  };
  await look().catch((error: unknown) => log.warn({ err: error }, 'Temporal does not say what it can do'));
  repeatUntilShutdown(foundation, 'look for standalone activities', LOOK_EVERY_MS, look);
  return createRemoteHandOff(temporal.client, {
    isForeign: () => binding.isChanged(),
    isKnown: () => isKnown && isBound,
    onUnknown: () => note(false),
  });
}

import { createGateActivities } from '../../activities/gate/index.ts';
import { createObjectionSweep } from '../../activities/objection-sweeps.ts';
import { lostReviews } from '../../activities/lost-reviews.ts';
import { systemClock, type Foundation } from './foundation.ts';
import { createReviewLookups } from './lookups.ts';
import { startNotify } from './notify-part.ts';
import { repeat } from './periodic.ts';
import { recordPolicyChanges } from './policy-record.ts';
import { startSweep } from './sweep.ts';
import { runGateWorker, type RunningWorker } from './workers.ts';

const OBJECTIONS_EVERY_MS = 2_000;

/** Starts the gate worker: workflows, classification, admission, records. Of keys it holds public ones, and those of mails and callbacks. */
export async function startGate(foundation: Foundation): Promise<RunningWorker> {
  const { log, store, files, settings, temporal, verifier, shutdown } = foundation;
  await foundation.binding.bind();
  const lookups = createReviewLookups(temporal, foundation.temporalUi);
  const activities = createGateActivities({
    store,
    settings,
    verifier,
    clock: systemClock,
    starterIdentity: lookups.starterIdentity,
    workflowUrl: lookups.workflowUrl,
  });
  const worker = await runGateWorker(
    { connection: await temporal.native(), namespace: temporal.namespace },
    activities,
  );
  shutdown.add('gate worker', () => worker.stop());
  worker.ended.catch((error: unknown) => foundation.fail(error));
  startSweep(foundation, 'sweep of lost reviews', lostReviews(lookups.restart));
  const { wake } = lookups;
  const sweepObjections = createObjectionSweep({ store, settings, verifier, clock: systemClock, wake });
  const objections = repeat('sweep of objections', OBJECTIONS_EVERY_MS, log, sweepObjections);
  shutdown.add('sweep of objections', () => objections.stop());
  await startNotify(foundation);
  shutdown.add('record of policy changes', await recordPolicyChanges(files, store, log));
  return worker;
}

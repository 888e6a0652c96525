import type { WorkerDeploymentVersion } from '@temporalio/common';
import { createGateActivities } from '../../activities/gate/index.ts';
import { createObjectionSweep } from '../../activities/objection-sweeps.ts';
import { lostReviews } from '../../activities/lost-reviews.ts';
import { systemClock, type Foundation, startSweep } from './foundation.ts';
import { watchPollers } from './health.ts';
import { createReviewLookups } from './temporal.ts';
import { startNotify } from './notify-part.ts';
import { repeatUntilShutdown } from './serve.ts';
import { runGateWorker, type RunningWorker } from './workers.ts';
import type { Store } from '../../ports/store.ts';
import type { FileSettingsSource } from '../../settings/follow.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import type { Logger } from 'pino';

const OBJECTIONS_EVERY_MS = 2_000;

/** Starts the gate worker: workflows, classification, admission, records. Of keys it holds public ones, and those of mails and callbacks. */
export async function startGate(
  foundation: Foundation,
  version: WorkerDeploymentVersion | null = null,
): Promise<RunningWorker> {
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
    localUrl: foundation.localUrl,
  });
  const worker = await runGateWorker(await temporal.worker(), activities, version);
  shutdown.add('gate worker', () => worker.stop());
  watchPollers(foundation.readiness, 'gateWorker', [worker]);
  worker.ended.catch((error: unknown) => foundation.fail(error));
  startSweep(foundation, 'sweep of lost reviews', lostReviews(lookups.restart));
  const { wake } = lookups;
  const sweepObjections = createObjectionSweep({ store, settings, verifier, clock: systemClock, wake });
  repeatUntilShutdown(foundation, 'sweep of objections', OBJECTIONS_EVERY_MS, sweepObjections);
  await startNotify(foundation);
  shutdown.add('record of policy changes', await recordPolicyChanges(files, store, log));
  return worker;
}

/** Gate workers of one deployment reload within seconds of each other: one entry for all of them. */
const SAME_CHANGE_MS = 60_000;

/** Records which policy is in force, and every change of it. A record that fails is logged: what a call was judged by is in its own entry too. */
export async function recordPolicyChanges(source: FileSettingsSource, store: Store, log: Logger): Promise<() => void> {
  const record = async (settings: Settings, previous: string | null, key: string) => {
    const { deploymentId, policy } = settings;
    const at = new Date().toISOString();
    await store.commit({
      key,
      entries: [{ schemaVersion: 1, type: 'policy_changed', deploymentId, at, policyDigest: policy.digest, previous }],
    });
  };
  const now = source.current();
  await record(now, null, `policy:${now.policy.digest}`);
  return source.onChange((settings, before) => {
    const [from, to] = [before.policy.digest, settings.policy.digest];
    if (from === to) return;
    record(settings, from, `policy:${from}:${to}:${Math.floor(Date.now() / SAME_CHANGE_MS)}`).catch((error: unknown) =>
      log.error({ err: error }, 'the change of policy is not in the audit log'),
    );
  });
}

import { randomUUID } from 'node:crypto';
import { createExecuteActivities } from '../../activities/execute/index.ts';
import { sweepLostClaims } from '../../activities/execute/sweep.ts';
import type { Connector } from '../../activities/ports.ts';
import { scrub } from '../../connectors/scrub.ts';
import { systemClock, type ExecuteKeys, type Foundation } from './foundation.ts';
import { createReviewLookups } from './lookups.ts';
import { repeat } from './periodic.ts';
import { runExecuteWorker, type RunningWorker } from './workers.ts';

const SWEEP_EVERY_MS = 15_000;

export interface ExecutePart {
  readonly keys: ExecuteKeys;
  /** Connectors in force now, by name. */
  connector(name: string): Connector | undefined;
  /** The longest that a connector may take, ms. */
  readonly longestCallMs: number;
  assertLogIntact(): Promise<void>;
}

/** Starts the execute worker: previews and calls. The only part with credentials. */
export async function startExecute(foundation: Foundation, part: ExecutePart): Promise<RunningWorker> {
  const { log, store, settings, temporal, verifier, shutdown } = foundation;
  const activities = createExecuteActivities({
    store,
    settings,
    verifier,
    signer: part.keys.signer,
    unsealer: part.keys.unsealer,
    connector: (name) => part.connector(name),
    scrub,
    clock: systemClock,
    newToken: () => randomUUID(),
    assertLogIntact: () => part.assertLogIntact(),
  });
  const worker = await runExecuteWorker(
    { connection: await temporal.native(), namespace: temporal.namespace },
    activities,
    part.longestCallMs,
  );
  shutdown.add('execute worker', worker.stop);
  const { isRunning } = createReviewLookups(temporal, null);
  const sweep = repeat('sweep of lost claims', SWEEP_EVERY_MS, log, () =>
    sweepLostClaims({ store, settings, clock: systemClock, isRunning }),
  );
  shutdown.add('sweep of lost claims', sweep.stop);
  return worker;
}

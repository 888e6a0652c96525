import { randomUUID } from 'node:crypto';
import { answerStatements } from '../../activities/execute/answer-statements.ts';
import { createExecuteActivities, type ExecuteDeps } from '../../activities/execute/index.ts';
import { stopObjectedCalls } from '../../activities/objection-sweeps.ts';
import { lostClaims } from '../../activities/lost-reviews.ts';
import { scrub } from '../../connectors/index.ts';
import type { Keys } from '../../storage/keys/index.ts';
import { createLogFollower } from '../../storage/log/log-follower.ts';
import { guardLog } from './checkpoints.ts';
import { openConnectors } from './connectors.ts';
import { systemClock, type Foundation } from './foundation.ts';
import { executeKeysOf } from './keys.ts';
import { repeat } from './periodic.ts';
import { startSweep } from './sweep.ts';
import { askUpstreams } from './upstreams.ts';
import { runExecuteWorker, type RunningWorker } from './workers.ts';

/** How often requests for statements are looked for, and how long a proof can wait for its statement. */
const STATEMENTS_EVERY_MS = 250;
/** A reviewer waits 2 s for the answer to a no. */
const OBJECTIONS_EVERY_MS = 500;
/** A connector that a reload brings may take longer than those at the start. */
const SHORTEST_GRACE_MS = 60_000;

export interface ExecutePart {
  readonly keys: Keys;
  /** On this machine's own disk: what was signed of the log is remembered there. */
  readonly directory: string;
  /** Ends the process once the log turns out to be rolled back; otherwise it stays up, to say so, and executes nothing. */
  readonly stopWhenRolledBack: boolean;
}

export interface OpenedExecute {
  start(): Promise<RunningWorker>;
  /** Rejects with `log_rolled_back` once the log does not extend what was signed. */
  assertLogIntact(): Promise<void>;
}

/** Opens connectors and checks the log, which must end before the first call; `start` begins to poll. */
export async function openExecute(foundation: Foundation, part: ExecutePart): Promise<OpenedExecute> {
  const { log, store, files, settings, temporal, verifier, shutdown } = foundation;
  const { deploymentId } = settings.current();
  const connectors = openConnectors(files, log);
  shutdown.add('connectors', () => connectors.close());
  const guard = await guardLog({
    store,
    keys: part.keys,
    deploymentId,
    directory: part.directory,
    log,
    onRolledBack: (error) => {
      if (part.stopWhenRolledBack) foundation.fail(error);
    },
  });
  shutdown.add('checkpoints', () => guard.stop());

  const { signer, unsealer } = executeKeysOf(part.keys, () => settings.current().deploymentId);
  const deps: ExecuteDeps = {
    store,
    settings,
    verifier,
    signer,
    unsealer,
    connector: (name) => connectors.get(name),
    scrub,
    clock: systemClock,
    newToken: () => randomUUID(),
    assertLogIntact: () => guard.assertIntact(),
  };
  const activities = createExecuteActivities(deps);
  return {
    assertLogIntact: () => guard.assertIntact(),
    start: async () => {
      const worker = await runExecuteWorker(
        { connection: await temporal.native(), namespace: temporal.namespace },
        activities,
        Math.max(connectors.longestCallMs(), SHORTEST_GRACE_MS),
      );
      shutdown.add('execute worker', () => worker.stop());
      worker.ended.catch((error: unknown) => foundation.fail(error));
      const asking = askUpstreams(files, connectors, store, log);
      shutdown.add('asking of upstreams', () => asking.stop());
      startSweep(foundation, 'sweep of lost claims', [lostClaims]);
      const follower = createLogFollower(store);
      const statements = repeat('statements of completeness', STATEMENTS_EVERY_MS, log, () =>
        answerStatements({
          store,
          settings,
          signer,
          clock: systemClock,
          follower,
          checkpointNow: () => guard.checkpointNow(),
        }),
      );
      shutdown.add('statements of completeness', () => statements.stop());
      const objections = repeat('sweep of objections', OBJECTIONS_EVERY_MS, log, () => stopObjectedCalls(deps));
      shutdown.add('sweep of objections to approved calls', () => objections.stop());
      return worker;
    },
  };
}

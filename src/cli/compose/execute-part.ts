import { randomUUID } from 'node:crypto';
import { admitLifts } from '../../activities/execute/admit-lifts.ts';
import { answerStatements } from '../../activities/execute/answer-statements.ts';
import { createDirectActivities, createExecuteActivities, type ExecuteDeps } from '../../activities/execute/index.ts';
import { stopObjectedCalls } from '../../activities/objection-sweeps.ts';
import { lostClaims } from '../../activities/lost-reviews.ts';
import { callTimeoutMs } from '../../domain/call-timeout.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import { scrub, createConnector } from '../../connectors/index.ts';
import type { Keys } from '../../storage/keys/index.ts';
import { createLogFollower } from '../../storage/log/log-follower.ts';
import { systemClock, type Foundation, startSweep } from './foundation.ts';
import { executeKeysOf, checkpointKeyOf } from './keys.ts';
import { watchDirectory, watchPollers } from './health.ts';
import { repeatUntilShutdown } from './serve.ts';
import { askUpstreams } from './upstreams.ts';
import { runDirectWorker, runExecuteWorker, type RunningWorker } from './workers.ts';
import type { FindProxy } from '../../domain/proxy.ts';
import type { Logger } from 'pino';
import type { Connector } from '../../ports/connector.ts';
import type { ConnectorConfig } from '../../contract/config.ts';
import type { FileSettingsSource } from '../../settings/follow.ts';
import { join } from 'node:path';
import { StorageError } from '../../ports/store.ts';
import { checkpointKeysOf } from '../../domain/proof/checkpoint.ts';
import { createCheckpointer } from '../../storage/log/checkpointer.ts';
import { openClaimJournal } from '../../storage/log/claim-journal.ts';

/** How often requests for statements are looked for, and how long a proof can wait for its statement. */
const STATEMENTS_EVERY_MS = 250;
/** A reviewer waits 2 s for the answer to a no. */
const OBJECTIONS_EVERY_MS = 500;
/** Likewise an operator for the answer to a lift. */
const LIFTS_EVERY_MS = 500;
/** A connector that a reload brings may take longer than those at the start. */
const SHORTEST_GRACE_MS = 60_000;

export interface ExecutePart {
  readonly keys: Keys;
  /** On this machine's own disk: what was signed of the log is remembered there. */
  readonly directory: string;
}

/** Opens connectors and checks the log, which must end before the first call; `start` begins to poll. */
export async function openExecute(foundation: Foundation, part: ExecutePart) {
  const { log, store, files, settings, temporal, verifier, shutdown } = foundation;
  const connectors = openConnectors(files, log, foundation.proxy);
  shutdown.add('connectors', () => connectors.close());
  // Restoring an old copy of the database could make an executed call look unexecuted, so no call is made then.
  const checkpointer = createCheckpointer({
    store,
    deploymentId: settings.current().deploymentId,
    key: checkpointKeyOf(part.keys),
    trusted: checkpointKeysOf(part.keys.trust.current().keys),
    file: join(part.directory, 'checkpoint'),
    // The process stays up, to say so, and executes nothing.
    onRolledBack: () =>
      log.fatal(
        { code: 'log_rolled_back' },
        'the audit log does not extend the last checkpoint of this machine; nothing is executed',
      ),
  });
  shutdown.add('checkpoints', () => checkpointer.stop());
  await checkpointer.start().catch((error: unknown) => {
    if (!(error instanceof StorageError && error.code === 'log_rolled_back')) throw error;
  });

  const journal = openClaimJournal(join(part.directory, 'journal'));
  shutdown.add('journal', () => journal.close());
  const { readiness } = foundation;
  readiness.add('auditLog', 'log_rolled_back', () => checkpointer.assertIntact().then(() => undefined));
  watchDirectory(readiness, part.directory);

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
    journal,
    assertLogIntact: () => checkpointer.assertIntact(),
  };
  const activities = createExecuteActivities(deps);
  const direct = createDirectActivities(deps);
  return {
    /** For an api in the same process. */
    direct,
    start: async (): Promise<readonly RunningWorker[]> => {
      const context = await temporal.worker();
      const longestCallMs = Math.max(connectors.longestCallMs(), SHORTEST_GRACE_MS);
      const workers = [
        await runExecuteWorker(context, activities, longestCallMs),
        await runDirectWorker(context, direct, longestCallMs),
      ];
      shutdown.add('execute workers', async () => void (await Promise.all(workers.map((worker) => worker.stop()))));
      watchPollers(readiness, 'executeWorker', workers);
      for (const worker of workers) worker.ended.catch((error: unknown) => foundation.fail(error));
      const asking = askUpstreams(files, connectors, store, log);
      shutdown.add('asking of upstreams', () => asking.stop());
      startSweep(foundation, 'sweep of lost claims', [lostClaims]);
      const checkpointNow = async () => (await checkpointer.checkpointNow()).checkpoint;
      const answering = {
        store,
        settings,
        signer,
        clock: systemClock,
        follower: createLogFollower(store),
        checkpointNow,
      };
      repeatUntilShutdown(foundation, 'statements of completeness', STATEMENTS_EVERY_MS, () =>
        answerStatements(answering),
      );
      repeatUntilShutdown(foundation, 'sweep of objections to approved calls', OBJECTIONS_EVERY_MS, () =>
        stopObjectedCalls(deps),
      );
      repeatUntilShutdown(foundation, 'lifts of freezes', LIFTS_EVERY_MS, () => admitLifts(deps));
      return workers;
    },
  };
}

/** The connectors in force; only the execute worker has any. */
export interface ConnectorRegistry {
  get(name: string): Connector | undefined;
  /** The longest that one may take, ms. */
  longestCallMs(): number;
  close(): Promise<void>;
}

/** The longest that a call through a connector may take, by its own time-out and those of its tools, ms. */
function longestCallMs({ policy }: Settings, name: string, { timeoutMs }: Connector): number {
  const tools = [...policy.tools.values()].filter(({ definition }) => definition.connector === name);
  return Math.max(timeoutMs, ...tools.map(({ definition }) => callTimeoutMs(definition, timeoutMs)));
}

interface Entry {
  readonly config: string;
  readonly connector: Connector;
}

/**
 * Builds every connector of the config file at the start: a missing credential stops the start, not the first
 * approved call. On reload, changed ones are rebuilt, and the old ones are closed once their calls have ended. If a connector
 * cannot be rebuilt, calls through it wait or fail; they never use the old one.
 */
export function openConnectors(source: FileSettingsSource, log: Logger, proxy: FindProxy): ConnectorRegistry {
  const entries = new Map<string, Entry>();
  const build = (name: string, config: ConnectorConfig): Entry => {
    const connector = createConnector(name, config, (reference) => source.resolve(reference), proxy);
    return { config: JSON.stringify(config), connector };
  };
  for (const [name, config] of Object.entries(source.current().connectors)) {
    entries.set(name, build(name, config));
  }

  const retire = (name: string, { connector }: Entry) => {
    entries.delete(name);
    const close = () =>
      connector.close().catch((error: unknown) => log.warn({ err: error, connector: name }, 'did not close cleanly'));
    setTimeout(() => void close(), longestCallMs(source.current(), name, connector)).unref();
  };
  const stopFollowing = source.onChange(({ connectors }) => {
    for (const [name, entry] of entries) {
      if (JSON.stringify(connectors[name]) === entry.config) continue;
      // Two may not have one embedded database open at a time, and calls may still be using this one.
      if (entry.config.includes('"pglite:')) log.warn({ connector: name }, 'restart to apply the change');
      else retire(name, entry);
    }
    for (const [name, config] of Object.entries(connectors)) {
      if (entries.has(name)) continue;
      try {
        entries.set(name, build(name, config));
      } catch (error) {
        log.error({ err: error, connector: name }, 'this connector cannot be used');
      }
    }
  });
  return {
    get: (name) => entries.get(name)?.connector,
    longestCallMs: () =>
      Math.max(0, ...[...entries].map(([name, { connector }]) => longestCallMs(source.current(), name, connector))),
    close: async () => {
      stopFollowing();
      await Promise.all([...entries.values()].map(({ connector }) => connector.close()));
    },
  };
}

import type { EnvironmentSettings } from '../compose/environment.ts';
import type { TemporalConnections } from '../compose/temporal.ts';
import { findTemporalTarget, type TemporalTarget } from '../compose/temporal-target.ts';
import type { Tracing } from '../compose/otel.ts';
import type { Environment } from '../embedded/cache.ts';
import type { DataDir } from '../embedded/data-dir.ts';
import { findTemporalCli } from '../embedded/temporal-cli.ts';
import { superviseTemporal } from '../embedded/temporal-server.ts';

/** The Temporal that a start uses: the embedded one, or the one that the environment names. */
export interface DevTemporal {
  readonly address: string;
  readonly uiUrl: string | null;
  connect(tracing?: Tracing): Promise<TemporalConnections>;
  /** Stops the embedded server. Connections are closed before. */
  stop(): Promise<void>;
}

/** The server that the environment names, or else an embedded one in the data directory, which answers by now. */
export async function startDevTemporal(
  settings: EnvironmentSettings,
  dataDir: DataDir,
  env: Environment,
  say: (line: string) => void,
): Promise<DevTemporal> {
  const target = findTemporalTarget(env);
  if (target !== undefined) {
    const address = target.connectionOptions.address ?? 'localhost:7233';
    const connect = (tracing?: Tracing) => connectTo(target, 1, tracing);
    return { address, uiUrl: settings.temporalUiUrl, connect, stop: () => Promise.resolve() };
  }
  const { address, uiUrl, stop } = await superviseTemporal({
    binary: await findTemporalCli(env, say),
    databaseFile: dataDir.temporalDatabase,
    port: settings.temporalPort,
    uiPort: settings.temporalUiPort,
    logFile: dataDir.temporalLog,
    pidFile: dataDir.temporalPid,
    say,
  });
  const embedded = { connectionOptions: { address }, namespace: 'default' };
  // It has already answered, but on a busy machine the deadline of a connection may pass.
  return { address, uiUrl, connect: (tracing) => connectTo(embedded, 6, tracing), stop };
}

/** Loads Temporal's SDK, which the start of a server does not wait for. */
async function connectTo(target: TemporalTarget, tries: number, tracing?: Tracing): Promise<TemporalConnections> {
  const { connectTemporal } = await import('../compose/temporal.ts');
  return connectTemporal(target, { tries, tracing });
}

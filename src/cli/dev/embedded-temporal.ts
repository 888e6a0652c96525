import type { EnvironmentSettings } from '../compose/environment.ts';
import type { TemporalConnections } from '../compose/temporal.ts';
import { findTemporalTarget, type TemporalTarget } from '../compose/temporal-target.ts';
import type { Tracing } from '../compose/tracing.ts';
import type { Environment } from '../embedded/cache.ts';
import type { DataDir } from '../embedded/data-dir.ts';
import { findTemporalCli } from '../embedded/temporal-cli.ts';
import { superviseTemporal } from '../embedded/temporal-server.ts';

/** The Temporal that a start uses: the embedded one, or the one that the environment names. */
export interface DevTemporal {
  readonly target: TemporalTarget;
  readonly address: string;
  readonly uiUrl: string | null;
  readonly isEmbedded: boolean;
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
    return { target, address, uiUrl: settings.temporalUiUrl, isEmbedded: false, stop: () => Promise.resolve() };
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
  return { target: embedded, address, uiUrl, isEmbedded: true, stop };
}

export async function connectDevTemporal(
  { target, isEmbedded }: DevTemporal,
  tracing?: Tracing,
): Promise<TemporalConnections> {
  const { connectTemporal } = await import('../compose/temporal.ts');
  // An embedded server has already answered, but creating the embedded database blocks this process for seconds, and on a
  // busy machine the deadline of a connection passes meanwhile.
  return connectTemporal(target, { tries: isEmbedded ? 6 : 1, tracing });
}

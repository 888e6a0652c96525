import type { EnvironmentSettings } from '../compose/environment.ts';
import { connectTemporal, findTemporalTarget, type TemporalConnections } from '../compose/temporal.ts';
import type { Tracing } from '../compose/tracing.ts';
import type { Environment } from '../embedded/cache.ts';
import type { DataDir } from '../embedded/data-dir.ts';
import { findTemporalCli } from '../embedded/temporal-cli.ts';
import { superviseTemporal } from '../embedded/temporal-server.ts';

/** The Temporal that a start uses: the embedded one, or the one that the environment names. */
export interface DevTemporal {
  readonly connections: TemporalConnections;
  readonly address: string;
  readonly uiUrl: string | null;
  /** Closes the connections, then the embedded server. */
  stop(): Promise<void>;
}

/** The server that the environment names, or else an embedded one in the data directory. */
export async function openDevTemporal(
  settings: EnvironmentSettings,
  dataDir: DataDir,
  env: Environment,
  say: (line: string) => void,
  tracing?: Tracing,
): Promise<DevTemporal> {
  const target = findTemporalTarget(env);
  if (target !== undefined) {
    const connections = await connectTemporal(target, { tracing });
    const address = target.connectionOptions.address ?? 'localhost:7233';
    return { connections, address, uiUrl: settings.temporalUiUrl, stop: () => connections.close() };
  }
  const server = await superviseTemporal({
    binary: await findTemporalCli(env, say),
    databaseFile: dataDir.temporalDatabase,
    port: settings.temporalPort,
    uiPort: settings.temporalUiPort,
    logFile: dataDir.temporalLog,
    pidFile: dataDir.temporalPid,
    say,
  });
  const { address, uiUrl } = server;
  const embedded = { connectionOptions: { address }, namespace: 'default' };
  try {
    // The server has already answered, but creating the embedded database blocks this process for seconds, and on a busy
    // machine the deadline of a connection passes meanwhile.
    const connections = await connectTemporal(embedded, { tries: 6, tracing });
    const stop = async () => {
      await connections.close();
      await server.stop();
    };
    return { connections, address, uiUrl, stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

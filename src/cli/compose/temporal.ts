import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type { Environment } from '../embedded/cache.ts';
import { StartError } from '../start-error.ts';
import { dataConverter } from './data-converter.ts';
import { registerSearchAttributes } from './search-attributes.ts';

/** Which Temporal, as whom. */
export interface TemporalTarget {
  readonly connectionOptions: ClientConnectConfig['connectionOptions'];
  readonly namespace: string;
}

const POINTERS = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'] as const;
/** Of the tests and of the search for a dev server; they say nothing about where Temporal is. */
const UNRELATED: ReadonlySet<string> = new Set(['TEMPORAL_CLI', 'TEMPORAL_TEST_SERVER']);

/**
 * The Temporal that the environment names (`TEMPORAL_ADDRESS` and friends, or a profile), or undefined where it names
 * none and the embedded server is meant. Throws `setting_invalid` where it says half of it: a namespace, a key or TLS
 * for a server that is not named would silently be dropped.
 */
export function findTemporalTarget(env: Environment): TemporalTarget | undefined {
  if (POINTERS.some((name) => isSet(env[name]))) return readTemporalTarget(env);
  const stray = Object.keys(env).find(
    (name) => name.startsWith('TEMPORAL_') && isSet(env[name]) && !UNRELATED.has(name),
  );
  if (stray === undefined) return undefined;
  throw new StartError(
    'setting_invalid',
    `${stray} is set, but no server is named. Set TEMPORAL_ADDRESS (or TEMPORAL_PROFILE) too, or unset ${stray}.`,
  );
}

/** As the environment or the profile file says; where they say nothing, `localhost:7233` and namespace `default`. */
export function readTemporalTarget(env: Environment): TemporalTarget {
  try {
    const overrideEnvVars = Object.fromEntries(
      Object.entries(env).filter((pair): pair is [string, string] => isSet(pair[1])),
    );
    const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars });
    return { connectionOptions, namespace: namespace ?? 'default' };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartError('setting_invalid', `The Temporal settings cannot be used: ${why}`, { cause: error });
  }
}

/** Connections for senders (`client`) and, on demand, for workers (`native`). */
export interface TemporalConnections {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
  native(): Promise<NativeConnection>;
  close(): Promise<void>;
}

/** Connects, and registers the search attributes: no worker of ours may poll before that. Each try takes up to 10 s. */
export async function connectTemporal(target: TemporalTarget, { tries = 1 } = {}): Promise<TemporalConnections> {
  const { connectionOptions, namespace } = target;
  const connection = await connect(connectionOptions, tries).catch((error: unknown) => {
    throw unreachable(target, error);
  });
  try {
    await registerSearchAttributes(connection, namespace);
  } catch (error) {
    await connection.close();
    throw unreachable(target, error);
  }
  let native: Promise<NativeConnection> | undefined;
  return {
    client: new Client({ connection, namespace, dataConverter }),
    connection,
    namespace,
    native: () => (native ??= NativeConnection.connect(connectionOptions)),
    close: async () => {
      await (await native)?.close();
      await connection.close();
    },
  };
}

async function connect(options: TemporalTarget['connectionOptions'], tries: number): Promise<Connection> {
  for (let left = tries - 1; ; left -= 1) {
    try {
      return await Connection.connect({ ...options, connectTimeout: '10s' });
    } catch (error) {
      if (left <= 0) throw error;
    }
  }
}

function unreachable({ connectionOptions, namespace }: TemporalTarget, cause: unknown): StartError {
  const details = cause instanceof Error ? cause.message : String(cause);
  return new StartError(
    'temporal_unavailable',
    `Temporal at ${connectionOptions.address ?? 'localhost:7233'}, namespace ${namespace}, cannot be used: ${details}. ` +
      `Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the credentials.`,
    { cause },
  );
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

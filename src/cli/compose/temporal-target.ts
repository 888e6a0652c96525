import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import type { FindProxy } from '../../domain/proxy.ts';
import type { Environment } from '../embedded/cache.ts';
import { StartError } from '../start-error.ts';
import { readProxyFrom } from './proxy.ts';

/** Which Temporal, as whom. */
export interface TemporalTarget {
  readonly connectionOptions: ClientConnectConfig['connectionOptions'];
  readonly namespace: string;
}

const POINTERS = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'] as const;
/** Of the tests and of the search for a dev server; they say nothing about where Temporal is. */
const UNRELATED: ReadonlySet<string> = new Set(['TEMPORAL_CLI', 'TEMPORAL_TEST_SERVER']);

/**
 * The Temporal that the environment names (`TEMPORAL_ADDRESS` and friends, or a profile), or undefined if it names
 * none and the embedded server is meant. Throws `setting_invalid` if it is incomplete: a namespace, a key or TLS
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
    requireNoProxy(connectionOptions, readProxyFrom(env));
    return { connectionOptions, namespace: namespace ?? 'default' };
  } catch (error) {
    if (error instanceof StartError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new StartError('setting_invalid', `The Temporal settings cannot be used: ${why}`, { cause: error });
  }
}

/** Of the two gRPC clients here only one knows proxies, so a start that needs one would fail halfway. */
function requireNoProxy({ address = '', tls }: TemporalTarget['connectionOptions'], proxy: FindProxy): void {
  if (tls === undefined || tls === false) return;
  const { hostname, port } = new URL(`https://${address}`);
  if (proxy({ protocol: 'https:', hostname, port }) === undefined) return;
  throw new StartError(
    'setting_invalid',
    `HTTPS_PROXY is set, but Temporal’s gRPC does not go through a proxy. Add ${hostname} to NO_PROXY, and let this machine connect to ${address} directly.`,
  );
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

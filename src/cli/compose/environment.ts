import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import { z } from 'zod';
import { logLevelSchema, type LogLevel } from '../../contract/config.ts';
import { StartError } from '../start-error.ts';
import type { Environment } from '../embedded/cache.ts';
import { noProxy, type FindProxy } from '../../domain/proxy.ts';
import { readProxyFrom } from './proxy.ts';

/** What the environment says, checked. An empty variable counts as unset. */
export interface EnvironmentSettings {
  /** Address to listen on; loopback unless said otherwise. */
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly configFile: string;
  /** Ports of the embedded Temporal server. */
  readonly temporalPort: number;
  readonly temporalUiPort: number;
  /** Web UI of a Temporal server that is not ours; links are left out without it. */
  readonly temporalUiUrl: string | null;
  /** Null: the embedded database. */
  readonly databaseUrl: string | null;
  /** Where any part answers `/healthz` and `/readyz` with all details; null: an api on its own port alone. */
  readonly healthPort: number | null;
  /** Where a process answers `GET /metrics` and nothing else; null: only an api does, beside its routes. */
  readonly metricsPort: number | null;
  /** Keys of this process, where they do not live in the data directory. */
  readonly keysDir: string | null;
  readonly logLevel: LogLevel;
  /** Of outgoing https. */
  readonly proxy: FindProxy;
  /** Proxies whose `X-Forwarded-*` headers count: addresses, ranges, `loopback` and the like. Null: none. */
  readonly trustProxy: string | null;
  /** Where traces are sent; null: there are none. */
  readonly tracesUrl: string | null;
  /** Null: gate workers are not versioned. */
  readonly deploymentVersion: WorkerDeploymentVersion | null;
}

const port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .refine((n) => n >= 1 && n <= 65_535);
const httpUrl = z.url({ protocol: /^https?$/ });
/** As Express expects it. A number of hops is refused: a client that reaches the port directly could then forge the header. */
const proxies = z.string().refine((list) =>
  list
    .split(',')
    .map((item) => item.trim())
    .every(
      (item) =>
        ['loopback', 'linklocal', 'uniquelocal'].includes(item) ||
        (ipaddr.isValid(item) && (ipaddr.IPv6.isValid(item) || ipaddr.IPv4.isValidFourPartDecimal(item))) ||
        (item.includes('/') && ipaddr.isValidCIDR(item)),
    ),
);

interface Variable<T> {
  readonly schema: z.ZodType<T, string>;
  /** Finishes the sentence "Set NAME to …". */
  readonly wants: string;
  /** Its value is not repeated in messages. */
  readonly secret?: boolean;
}
const variable = <T>(schema: z.ZodType<T, string>, wants: string, secret = false): Variable<T> => ({
  schema,
  wants,
  secret,
});

const VARIABLES = {
  HOLDPOINT_HOST: variable(
    z.string().regex(/^[0-9A-Za-z.:-]+$/),
    'an address to listen on, such as 127.0.0.1 or 0.0.0.0',
  ),
  HOLDPOINT_PORT: variable(port, 'a number from 1 to 65535'),
  HOLDPOINT_DATA_DIR: variable(z.string(), 'a directory'),
  HOLDPOINT_CONFIG: variable(z.string(), 'a file'),
  HOLDPOINT_KEYS_DIR: variable(z.string(), 'a directory'),
  HOLDPOINT_HEALTH_PORT: variable(port, 'a number from 1 to 65535'),
  HOLDPOINT_METRICS_PORT: variable(port, 'a number from 1 to 65535'),
  HOLDPOINT_TEMPORAL_PORT: variable(port, 'a number from 1 to 65535'),
  HOLDPOINT_TEMPORAL_UI_PORT: variable(port, 'a number from 1 to 65535'),
  HOLDPOINT_TEMPORAL_UI_URL: variable(httpUrl, 'a URL such as http://127.0.0.1:8233'),
  HOLDPOINT_TRUST_PROXY: variable(proxies, 'addresses or ranges of your proxies, such as 10.0.0.0/8,loopback'),
  // Temporal joins the two by a full stop.
  HOLDPOINT_DEPLOYMENT_NAME: variable(z.string().regex(/^[\w-]{1,64}$/), 'letters, digits, _ and -'),
  HOLDPOINT_BUILD_ID: variable(z.string().regex(/^[\w.-]{1,128}$/), 'letters, digits, _, . and -'),
  HOLDPOINT_LOG_LEVEL: variable(logLevelSchema, `one of ${logLevelSchema.options.join(', ')}`),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable(
    httpUrl,
    'the URL of an OpenTelemetry collector, such as http://127.0.0.1:4318',
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: variable(httpUrl, 'a URL such as http://127.0.0.1:4318/v1/traces'),
  OTEL_EXPORTER_OTLP_PROTOCOL: variable(z.literal('http/json'), 'http/json, or unset it'),
  DATABASE_URL: variable(
    z.url({ protocol: /^postgres(ql)?$/ }),
    'a URL such as postgresql://user@host:5432/database',
    true,
  ),
  DATABASE_PASSWORD_FILE: variable(z.string(), 'a file that contains only a password'),
} as const;
type Variables = typeof VARIABLES;

/**
 * Reads the settings from the environment. Throws `setting_invalid` with every variable that is wrong: a bad value never
 * becomes a default.
 */
export function readEnvironment(env: Environment): EnvironmentSettings {
  const problems: string[] = [];
  const read = <N extends keyof Variables>(name: N): z.output<Variables[N]['schema']> | undefined => {
    const value = env[name];
    if (value === undefined || value === '') return undefined;
    const { schema, wants, secret } = VARIABLES[name];
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data as z.output<Variables[N]['schema']>;
    problems.push(`${name} is ${secret === true ? 'malformed' : JSON.stringify(value)}. Set it to ${wants}.`);
    return undefined;
  };
  const settings: EnvironmentSettings = {
    host: read('HOLDPOINT_HOST') ?? '127.0.0.1',
    port: read('HOLDPOINT_PORT') ?? 8080,
    dataDir: read('HOLDPOINT_DATA_DIR') ?? '.holdpoint',
    configFile: read('HOLDPOINT_CONFIG') ?? 'holdpoint.yaml',
    healthPort: read('HOLDPOINT_HEALTH_PORT') ?? null,
    metricsPort: read('HOLDPOINT_METRICS_PORT') ?? null,
    keysDir: read('HOLDPOINT_KEYS_DIR') ?? null,
    temporalPort: read('HOLDPOINT_TEMPORAL_PORT') ?? 7233,
    temporalUiPort: read('HOLDPOINT_TEMPORAL_UI_PORT') ?? 8233,
    temporalUiUrl: read('HOLDPOINT_TEMPORAL_UI_URL') ?? null,
    databaseUrl: withPassword(read('DATABASE_URL'), read('DATABASE_PASSWORD_FILE'), problems),
    trustProxy: read('HOLDPOINT_TRUST_PROXY') ?? null,
    logLevel: read('HOLDPOINT_LOG_LEVEL') ?? 'info',
    proxy: findProxyIn(env, problems),
    tracesUrl: read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? tracesOf(read('OTEL_EXPORTER_OTLP_ENDPOINT')),
    deploymentVersion: bothOrNeither(read('HOLDPOINT_DEPLOYMENT_NAME'), read('HOLDPOINT_BUILD_ID'), problems),
  };
  if (settings.tracesUrl !== null) {
    read('OTEL_EXPORTER_OTLP_PROTOCOL');
    const collector = new URL(settings.tracesUrl);
    // OpenTelemetry's exporter knows none: spans would be lost in silence, or pass by the proxy.
    if (settings.proxy(collector) !== undefined) {
      problems.push(
        `HTTPS_PROXY is set, but traces do not go through a proxy. Add ${collector.hostname} to NO_PROXY, and let this machine connect to it directly, or send traces to a collector in your network.`,
      );
    }
  }
  if (problems.length > 0) throw new StartError('setting_invalid', problems.join('\n'));
  return settings;
}

/** As OpenTelemetry specifies it: below the path of the endpoint. */
function tracesOf(endpoint: string | undefined): string | null {
  return endpoint === undefined ? null : `${endpoint.replace(/\/$/, '')}/v1/traces`;
}

function bothOrNeither(
  deploymentName: string | undefined,
  buildId: string | undefined,
  problems: string[],
): WorkerDeploymentVersion | null {
  if (deploymentName !== undefined && buildId !== undefined) return { deploymentName, buildId };
  if (deploymentName !== buildId) {
    problems.push('HOLDPOINT_DEPLOYMENT_NAME and HOLDPOINT_BUILD_ID go together. Set both, or neither.');
  }
  return null;
}

function findProxyIn(env: Environment, problems: string[]): FindProxy {
  try {
    return readProxyFrom(env);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    problems.push(error.message);
    return noProxy;
  }
}

/** A password in a file, as container platforms hand out secrets, instead of in the URL. */
function withPassword(url: string | undefined, file: string | undefined, problems: string[]): string | null {
  if (file === undefined) return url ?? null;
  if (url === undefined) {
    problems.push('DATABASE_PASSWORD_FILE is set without DATABASE_URL. Set both, or neither.');
    return null;
  }
  try {
    const complete = new URL(url);
    complete.password = encodeURIComponent(readFileSync(file, 'utf8').trim());
    return complete.href;
  } catch {
    problems.push(`DATABASE_PASSWORD_FILE is ${JSON.stringify(file)}, which cannot be read.`);
    return null;
  }
}

/** Ports that one start opens itself must differ; said here, because the servers' own messages would not name them. */
export function requireDistinctPorts(settings: EnvironmentSettings): void {
  const { port: api, metricsPort, temporalPort, temporalUiPort } = settings;
  const named = {
    HOLDPOINT_PORT: api,
    ...(metricsPort === null ? {} : { HOLDPOINT_METRICS_PORT: metricsPort }),
    HOLDPOINT_TEMPORAL_PORT: temporalPort,
    HOLDPOINT_TEMPORAL_UI_PORT: temporalUiPort,
  };
  const entries = Object.entries(named);
  for (const [index, [name, value]] of entries.entries()) {
    const other = entries.slice(index + 1).find(([, v]) => v === value);
    if (other)
      throw new StartError('setting_invalid', `${name} and ${other[0]} are both ${value}. Change one of them.`);
  }
}

/** The config file that the environment names or that lies here; undefined: there is none, and none was asked for. */
export function findConfigFile({ configFile }: EnvironmentSettings, env: Environment): string | undefined {
  const path = resolve(configFile);
  if (existsSync(path)) return path;
  if (env.HOLDPOINT_CONFIG === undefined || env.HOLDPOINT_CONFIG === '') return undefined;
  throw new StartError('config_missing', `HOLDPOINT_CONFIG is ${configFile}, which does not exist.`);
}

/** As {@link findConfigFile}, for parts that cannot run without one. */
export function requireConfigFile(settings: EnvironmentSettings, env: Environment): string {
  const path = findConfigFile(settings, env);
  if (path !== undefined) return path;
  throw new StartError(
    'config_missing',
    `There is no ${settings.configFile} here. \`holdpoint init\` writes one; or set HOLDPOINT_CONFIG to its path.`,
  );
}

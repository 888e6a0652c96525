/**
 * How a call reaches its target: `http/`, `postgres/` and `mcp/`, used by the execute worker alone. What they make of an
 * answer is in `answer.ts`; `scrub.ts` takes credentials out of what leaves the worker.
 */
import type { ConnectorConfig, PostgresConnectorConfig } from '../contract/config.ts';
import { durationMs } from '../contract/policy.ts';
import { kindOfConnector } from '../domain/render/index.ts';
import type { Connector } from '../ports/connector.ts';
import { createHttpConnector } from './http/connector.ts';
import { createMcpConnector } from './mcp/connector.ts';
import { createPostgresConnector } from './postgres/connector.ts';
import type { SqlDriver } from './postgres/driver.ts';
import { createPgDriver } from './postgres/pg-driver.ts';
import { createPgliteDriver } from './postgres/pglite-driver.ts';

export { scrub } from './scrub.ts';

/** A connector that cannot be built as configured. The start fails closed and prints it. */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly code: 'credential_missing' | 'connector_invalid';
  readonly connector: string;
  /** The `env:` or `file:` reference that did not resolve. */
  readonly reference: string | null;

  constructor(code: ConnectorError['code'], connector: string, reference: string | null, message: string) {
    super(`connector ${connector}: ${message}`);
    this.code = code;
    this.connector = connector;
    this.reference = reference;
  }
}

/**
 * Builds a connector of the configuration. Only the execute worker does: this is where references become credentials.
 * Throws a {@link ConnectorError} where one does not resolve. Nothing is contacted yet; an embedded database begins to
 * open. A SQL connector needs `loadSqlParser()` (src/domain/sql) to have been awaited before it is used.
 *
 * @param resolve resolves `env:NAME` or `file:PATH`; throws, or gives an empty text, where there is nothing
 */
export function createConnector(
  name: string,
  config: ConnectorConfig,
  resolve: (reference: string) => string,
): Connector {
  const kinded = kindOfConnector(config);
  const secretOf = (reference: string): string => resolveSecret(name, reference, resolve);
  const valueOf = (text: string): string => (/^(?:env|file):/.test(text) ? secretOf(text) : text);
  const credentialOf = ({ credential }: { readonly credential?: string | undefined }): string | null =>
    credential === undefined ? null : secretOf(credential);
  switch (kinded.kind) {
    case 'http':
      return createHttpConnector({ config: kinded.config, secret: credentialOf(kinded.config) });
    case 'postgres':
      return createPostgres(name, kinded.config, valueOf);
    case 'mcp': {
      const env = Object.entries(kinded.config.env ?? {}).map(([key, value]) => [key, valueOf(value)]);
      return createMcpConnector({
        config: kinded.config,
        secret: credentialOf(kinded.config),
        env: Object.fromEntries(env),
      });
    }
  }
}

function createPostgres(name: string, config: PostgresConnectorConfig, valueOf: (text: string) => string): Connector {
  const url = valueOf(config.url);
  const selectUrl = config.selectUrl === undefined ? url : valueOf(config.selectUrl);
  const driver = createDriver(name, url);
  return createPostgresConnector({
    driver,
    selectDriver: selectUrl === url ? driver : createDriver(name, selectUrl),
    secrets: [...new Set([...secretsOfUrl(url), ...secretsOfUrl(selectUrl)])],
    ...(config.timeout === undefined ? {} : { timeoutMs: durationMs(config.timeout) }),
  });
}

function createDriver(name: string, url: string): SqlDriver {
  if (url.startsWith('pglite:')) return createPgliteDriver(url.slice('pglite:'.length));
  if (/^postgres(?:ql)?:\/\//.test(url)) return createPgDriver(url);
  throw new ConnectorError('connector_invalid', name, null, 'the url is neither postgres:// nor pglite:');
}

/** The whole address and its password: drivers like to quote both. */
function secretsOfUrl(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { password } = new URL(url);
  return password === '' ? [] : [url, decodePassword(password)];
}

function decodePassword(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}

function resolveSecret(name: string, reference: string, resolve: (reference: string) => string): string {
  let value = '';
  try {
    value = resolve(reference);
  } catch {
    // Told as missing, below.
  }
  if (value !== '') return value;
  const why = reference.startsWith('env:') ? 'is not set or empty' : 'cannot be read or is empty';
  const message = `${reference} ${why}. Set it for the execute worker, or delete the connector`;
  throw new ConnectorError('credential_missing', name, reference, message);
}

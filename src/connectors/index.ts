/**
 * How a call reaches its target: `http/`, `postgres/` and `mcp/`, used by the execute worker alone. What they make of an
 * answer is in `answer.ts`; `scrub.ts` takes credentials out of what leaves the worker.
 */
import type { ConnectorConfig, PostgresConnectorConfig } from '../contract/config.ts';
import { connectorTimeoutMs } from '../domain/call-timeout.ts';
import { noProxy, type FindProxy } from '../domain/proxy.ts';
import { kindOfConnector } from '../domain/render/index.ts';
import type { Connector } from '../ports/connector.ts';
import { ConnectorError, SeenSecrets, type Secret } from './credential.ts';
import { createHttpConnector } from './http/connector.ts';
import { createMcpConnector } from './mcp/connector.ts';
import { createPostgresConnector } from './postgres/connector.ts';
import type { SqlDriver } from './postgres/driver.ts';
import { createPgDriver } from './postgres/pg-driver.ts';
import { createPgliteDriver } from './postgres/pglite-driver.ts';

export { ConnectorError } from './credential.ts';
export { scrub } from './scrub.ts';

/**
 * Builds a connector of the configuration. Only the execute worker does: this is where references become credentials.
 * Throws a {@link ConnectorError} where one does not resolve. Nothing is contacted yet; an embedded database begins to
 * open. A SQL connector needs `loadSqlParser()` (src/domain/sql) to have been awaited before it is used.
 *
 * @param resolve resolves `env:NAME` or `file:PATH`; throws, or gives an empty text, where there is nothing
 * @param proxy the proxy of each request to an HTTP target or an upstream MCP server
 */
export function createConnector(
  name: string,
  config: ConnectorConfig,
  resolve: (reference: string) => string,
  proxy: FindProxy = noProxy,
): Connector {
  const kinded = kindOfConnector(config);
  const secretOf = (reference: string): Secret => {
    const secret = (): string => resolveSecret(name, reference, resolve);
    secret();
    return secret;
  };
  const valueOf = (text: string): Secret => (/^(?:env|file):/.test(text) ? secretOf(text) : () => text);
  const credentialOf = ({ credential }: { readonly credential?: string | undefined }): Secret | null =>
    credential === undefined ? null : secretOf(credential);
  switch (kinded.kind) {
    case 'http':
      return createHttpConnector({ config: kinded.config, proxy, secret: credentialOf(kinded.config) });
    case 'postgres':
      return createPostgres(name, kinded.config, valueOf);
    case 'mcp': {
      const env = Object.entries(kinded.config.env ?? {}).map(([key, value]) => [key, valueOf(value)] as const);
      return createMcpConnector({
        config: kinded.config,
        secret: credentialOf(kinded.config),
        env: () => Object.fromEntries(env.map(([key, value]) => [key, value()])),
        proxy,
      });
    }
  }
}

function createPostgres(name: string, config: PostgresConnectorConfig, valueOf: (text: string) => Secret): Connector {
  const seen = new SeenSecrets();
  const addressOf = (text: string): Secret => {
    const address = valueOf(text);
    return () => {
      const value = address();
      secretsOfUrl(value).forEach((secret) => seen.note(secret));
      return value;
    };
  };
  const url = addressOf(config.url);
  const selectUrl = config.selectUrl === undefined ? url : addressOf(config.selectUrl);
  const driver = createDriver(name, url);
  return createPostgresConnector({
    driver,
    selectDriver: selectUrl() === url() ? driver : createDriver(name, selectUrl),
    secrets: () => seen.values(),
    timeoutMs: connectorTimeoutMs(config),
  });
}

function createDriver(name: string, url: Secret): SqlDriver {
  if (url().startsWith('pglite:')) return createPgliteDriver(url().slice('pglite:'.length));
  if (/^postgres(?:ql)?:\/\//.test(url())) return createPgDriver(url);
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

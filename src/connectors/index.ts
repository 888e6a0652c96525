import type { Connector } from '../ports/connector.ts';
import type { ConnectorConfig, HttpConnectorConfig, PostgresConnectorConfig } from '../contract/config.ts';
import { durationMs } from '../contract/policy.ts';
import { kindOfConnector } from '../domain/render/index.ts';
import { ConnectorError } from './error.ts';
import { createHttpConnector } from './http/connector.ts';
import { createMcpConnector } from './mcp/connector.ts';
import { createPostgresConnector } from './postgres/connector.ts';
import type { SqlDriver } from './postgres/driver.ts';
import { createPgDriver } from './postgres/pg-driver.ts';
import { createPgliteDriver } from './postgres/pglite-driver.ts';

export { ConnectorError } from './error.ts';
export { scrub } from './scrub.ts';

/** Resolves `env:NAME` or `file:PATH`; throws, or gives an empty text, where there is nothing. */
export type ResolveReference = (reference: string) => string;

/**
 * Builds the connectors of the configuration. Only the execute worker does: this is where references become
 * credentials. Throws a {@link ConnectorError} that names connector and reference where one does not resolve. Nothing
 * is contacted yet; an embedded database begins to open.
 *
 * SQL connectors need `loadSqlParser()` (src/domain/sql) to have been awaited before they are used.
 */
export function createConnectors(
  connectors: Readonly<Record<string, ConnectorConfig>>,
  resolve: ResolveReference,
): Record<string, Connector> {
  return Object.fromEntries(
    Object.entries(connectors).map(([name, config]) => [name, createConnector(name, config, resolve)]),
  );
}

function createConnector(name: string, config: ConnectorConfig, resolve: ResolveReference): Connector {
  const kinded = kindOfConnector(config);
  const secretOf = (reference: string): string => resolveSecret(name, reference, resolve);
  switch (kinded.kind) {
    case 'http':
      return createHttp(kinded.config, secretOf);
    case 'postgres':
      return createPostgres(name, kinded.config, secretOf);
    case 'mcp': {
      const { credential, env = {} } = kinded.config;
      return createMcpConnector({
        name,
        config: kinded.config,
        secret: credential === undefined ? null : secretOf(credential),
        env: Object.fromEntries(
          Object.entries(env).map(([key, value]) => [key, isReference(value) ? secretOf(value) : value]),
        ),
      });
    }
  }
}

type SecretOf = (reference: string) => string;

function createHttp(config: HttpConnectorConfig, secretOf: SecretOf): Connector {
  return createHttpConnector({ config, secret: config.credential === undefined ? null : secretOf(config.credential) });
}

function createPostgres(name: string, config: PostgresConnectorConfig, secretOf: SecretOf): Connector {
  const url = isReference(config.url) ? secretOf(config.url) : config.url;
  const selectUrl =
    config.selectUrl === undefined
      ? url
      : isReference(config.selectUrl)
        ? secretOf(config.selectUrl)
        : config.selectUrl;
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
  throw new ConnectorError(
    'connector_invalid',
    name,
    null,
    `connector ${name}: the url is neither postgres:// nor pglite:`,
  );
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

function isReference(value: string): boolean {
  return value.startsWith('env:') || value.startsWith('file:');
}

function resolveSecret(name: string, reference: string, resolve: ResolveReference): string {
  let value: string;
  try {
    value = resolve(reference);
  } catch {
    value = '';
  }
  if (value === '') {
    const why = reference.startsWith('env:') ? 'is not set or empty' : 'cannot be read or is empty';
    const message = `connector ${name}: ${reference} ${why}. Set it for the execute worker, or delete the connector`;
    throw new ConnectorError('credential_missing', name, reference, message);
  }
  return value;
}

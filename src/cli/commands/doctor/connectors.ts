import type { ConnectorConfig } from '../../../contract/config.ts';
import { kindOfConnector } from '../../../domain/render/index.ts';
import type { FindProxy } from '../../../domain/proxy.ts';
import type { Connector } from '../../../ports/connector.ts';
import { type ConfigInForce, fail, ok, skipped, type Finding } from './checks.ts';

const REACH_MS = 15_000;

/**
 * Tries to reach the target of each connector: a connection with TLS, a session of a database, the tool list of an MCP
 * server, which starts one that is a command. No call is made.
 */
export async function checkConnectors(
  { settings, source, resolve }: ConfigInForce,
  proxy: FindProxy,
): Promise<Finding[]> {
  const { createConnector } = await import('../../../connectors/index.ts');
  const checkOne = async ([name, config]: [string, ConnectorConfig]): Promise<Finding> => {
    const check = `connector ${name}`;
    const { line, column } = source.locate(['connectors', name], 'key');
    const refuse = (message: string): Finding =>
      fail(
        check,
        `${source.file}:${line}:${column}: ${message}`,
        'Run this where the execute worker runs: its network, variables and certificates count.',
      );
    let connector: Connector | undefined;
    try {
      const databaseUrl = databaseUrlOf(config, resolve);
      // A second process that opens it would lose its data.
      if (databaseUrl?.startsWith('pglite:') === true)
        return skipped(check, 'an embedded database, which only one process may open');
      connector = createConnector(name, config, resolve, proxy);
      const failure = await connector.reach?.(AbortSignal.timeout(REACH_MS));
      if (failure !== undefined) return refuse(failure.message);
      return ok(check, `can be reached${databaseUrl === undefined ? '' : await describePooling(databaseUrl)}`);
    } catch (error) {
      return refuse(error instanceof Error ? error.message : 'cannot be used');
    } finally {
      await connector?.close();
    }
  };
  const connectors = Object.entries(settings.connectors);
  if (connectors.length === 0) return [skipped('connectors', 'the configuration has none')];
  return Promise.all(connectors.map(checkOne));
}

function databaseUrlOf(config: ConnectorConfig, resolve: (reference: string) => string): string | undefined {
  const kinded = kindOfConnector(config);
  if (kinded.kind !== 'postgres') return undefined;
  const { url } = kinded.config;
  return /^(env|file):/.test(url) ? resolve(url) : url;
}

async function describePooling(databaseUrl: string): Promise<string> {
  const { findPooling } = await import('../../../storage/database/pooler.ts');
  const pooling = await findPooling(databaseUrl).catch(() => 'none');
  if (pooling === 'none') return '';
  if (pooling === 'session') return ', through a pooler in session mode';
  return (
    ', through a pooler in transaction mode: settings are local to each call; with a database role of its own, Holdpoint ' +
    'shares no connections with other clients'
  );
}

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
      // A second process that opens it would lose its data.
      if (isEmbedded(config, resolve)) return skipped(check, 'an embedded database, which only one process may open');
      connector = createConnector(name, config, resolve, proxy);
      const failure = await connector.reach?.(AbortSignal.timeout(REACH_MS));
      return failure === undefined ? ok(check, 'can be reached') : refuse(failure.message);
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

function isEmbedded(config: ConnectorConfig, resolve: (reference: string) => string): boolean {
  const kinded = kindOfConnector(config);
  if (kinded.kind !== 'postgres') return false;
  const { url } = kinded.config;
  return (/^(env|file):/.test(url) ? resolve(url) : url).startsWith('pglite:');
}

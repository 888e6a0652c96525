import type { Logger } from 'pino';
import type { Connector } from '../../ports/connector.ts';
import { createConnector } from '../../connectors/index.ts';
import type { ConnectorConfig } from '../../contract/config.ts';
import type { FileSettingsSource } from '../../settings/follow.ts';

/** The connectors in force; only the execute worker has any. */
export interface ConnectorRegistry {
  get(name: string): Connector | undefined;
  /** The longest that one may take, ms. */
  longestCallMs(): number;
  close(): Promise<void>;
}

interface Entry {
  readonly config: string;
  readonly connector: Connector;
}

/**
 * Builds every connector of the config file, at once: a credential that is missing stops the start, not the first
 * approved call. On reload what changed is built anew; the one before it is closed once its calls have ended. A connector
 * that cannot be rebuilt is gone, and calls through it wait or fail: never through the old one.
 */
export function openConnectors(source: FileSettingsSource, log: Logger): ConnectorRegistry {
  const entries = new Map<string, Entry>();
  const build = (name: string, config: ConnectorConfig): Entry => {
    const connector = createConnector(name, config, (reference) => source.resolve(reference));
    return { config: JSON.stringify(config), connector };
  };
  for (const [name, config] of Object.entries(source.current().connectors)) {
    entries.set(name, build(name, config));
  }

  const retire = (name: string, { connector }: Entry) => {
    entries.delete(name);
    const close = () =>
      connector.close().catch((error: unknown) => log.warn({ err: error, connector: name }, 'did not close cleanly'));
    setTimeout(() => void close(), connector.timeoutMs).unref();
  };
  const stopFollowing = source.onChange(({ connectors }) => {
    for (const [name, entry] of entries) {
      if (JSON.stringify(connectors[name]) === entry.config) continue;
      // Two may not have one embedded database open at a time, and calls may still be using this one.
      if (entry.config.includes('"pglite:')) log.warn({ connector: name }, 'restart to apply the change');
      else retire(name, entry);
    }
    for (const [name, config] of Object.entries(connectors)) {
      if (entries.has(name)) continue;
      try {
        entries.set(name, build(name, config));
      } catch (error) {
        log.error({ err: error, connector: name }, 'this connector cannot be used');
      }
    }
  });
  return {
    get: (name) => entries.get(name)?.connector,
    longestCallMs: () => Math.max(0, ...[...entries.values()].map(({ connector }) => connector.timeoutMs)),
    close: async () => {
      stopFollowing();
      await Promise.all([...entries.values()].map(({ connector }) => connector.close()));
    },
  };
}

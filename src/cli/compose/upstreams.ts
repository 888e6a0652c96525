import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Store } from '../../ports/store.ts';
import type { UnlistedTool, UpstreamTool } from '../../domain/upstream.ts';
import type { InForce, SettingsSource, Upstreams } from '../../domain/policy/settings.ts';
import { changedPartsOf, stateOfUpstream, toolsByServer } from '../../domain/policy/upstreams.ts';
import type { FileSettingsSource } from '../../settings/follow.ts';
import type { Connector } from '../../ports/connector.ts';
import { repeat, type Periodic } from './serve.ts';

/** Upstreams may change without saying so. */
const ASK_EVERY_MS = 60_000;
/** From one asking of a server to the next, however often it says that it changed. */
const PAUSE_MS = 1_000;
/** How soon another process knows what the execute worker found. */
const READ_EVERY_MS = 2_000;

const mcpServersOf = (settings: Pick<FileSettingsSource, 'current'>): readonly string[] =>
  Object.entries(settings.current().connectors).flatMap(([name, { type }]) => (type === 'mcp' ? [name] : []));

/** How long a server may take to list its tools for the first time: `npx` may have to get it from a registry. */
const FIRST_LISTING_WITHIN_MS = 60_000;

/** What is in force: the files, and what was learnt of upstreams. */
export interface FollowedUpstreams {
  readonly inForce: SettingsSource;
  /** Called after a change of what is known of upstreams. Returns how to stop. */
  onChange(listener: () => void): () => void;
  stop(): Promise<void>;
}

/**
 * Follows what is known of the upstreams' tools, in every process that classifies or offers calls. Where the database
 * does not answer, what was known stays.
 */
export async function followUpstreams(
  files: Pick<FileSettingsSource, 'current' | 'problem'>,
  store: Pick<Store, 'readUpstreamTools'>,
  log: Logger,
  { everyMs = READ_EVERY_MS, now = () => performance.now() }: { readonly everyMs?: number; now?(): number } = {},
): Promise<FollowedUpstreams> {
  let seen = '';
  let upstreams: Upstreams | undefined;
  let inForce: InForce | undefined;
  let settings = files.current();
  const listeners = new Set<() => void>();
  const settle = settling(now);
  const current = (): InForce => {
    if (inForce === undefined || settings !== files.current()) {
      settings = files.current();
      inForce = upstreams === undefined ? settings : { ...settings, upstreams };
    }
    return inForce;
  };
  const read = async (): Promise<void> => {
    const servers = mcpServersOf(files);
    const tools = servers.length === 0 ? [] : await store.readUpstreamTools();
    const settled = settle(servers, tools);
    const text = JSON.stringify(tools);
    if (text === seen && settled.size === upstreams?.settled.size) return;
    const isListed = text !== seen;
    seen = text;
    upstreams = { tools: toolsByServer(tools), settled };
    inForce = undefined;
    for (const listener of listeners) listener();
    if (!isListed) return;
    for (const tool of tools) {
      if (stateOfUpstream(files.current(), tool) !== 'changed') continue;
      log.warn(
        { server: tool.server, tool: tool.tool, parts: changedPartsOf(files.current(), tool), digest: tool.digest },
        'an upstream MCP server changed a tool; calls of its tools are held until policy accepts the digest',
      );
    }
  };
  await read().catch((error: unknown) => log.warn({ err: error }, 'the upstreams’ tools cannot be read yet'));
  const reading = repeat('reading the upstreams’ tools', everyMs, log, read);
  return {
    inForce: { current, problem: () => files.problem() },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => reading.stop(),
  };
}

/**
 * Returns the servers that have listed their tools, or have had the time to. A server that is read here for the first time
 * counts from the next reading on: by then every other process, which reads as often, knows it too.
 */
function settling(now: () => number): (servers: readonly string[], tools: readonly UpstreamTool[]) => Set<string> {
  const settled = new Set<string>();
  const heard = new Set<string>();
  const since = new Map<string, number>();
  let begun = false;
  return (servers, tools) => {
    const listed = new Set(tools.map(({ server }) => server));
    for (const server of servers) {
      const first = since.get(server);
      if (first === undefined) since.set(server, now());
      const hadItsTime = first !== undefined && now() - first >= FIRST_LISTING_WITHIN_MS;
      if (hadItsTime || heard.has(server) || (!begun && listed.has(server))) settled.add(server);
      if (listed.has(server)) heard.add(server);
    }
    begun = true;
    return new Set(settled);
  };
}

/** Asks every upstream MCP server what its tools are, again and again. Only the execute worker does: it starts them. */
export function askUpstreams(
  settings: Pick<FileSettingsSource, 'current' | 'onChange'>,
  connectors: { get(name: string): Connector | undefined },
  store: Pick<Store, 'putUpstreamTools'>,
  log: Logger,
  everyMs = ASK_EVERY_MS,
): Periodic {
  const heard = new WeakSet<object>();
  const running = new Map<string, Promise<void>>();
  /** Servers that are to be asked once more when they have answered. */
  const again = new Set<string>();
  const asked = new Map<string, number>();
  let stopped = false;
  const ask = async (name: string): Promise<void> => {
    const connector = connectors.get(name);
    if (connector?.listTools === undefined) return;
    if (!heard.has(connector)) {
      heard.add(connector);
      connector.onToolsChanged?.(() => askInTurn(name));
    }
    try {
      const { tools, leftOut } = await connector.listTools();
      tellLeftOut(name, leftOut);
      const ignored = stopped ? 0 : await store.putUpstreamTools(name, tools);
      if (ignored > 0)
        log.warn(
          { connector: name, leftOut: ignored },
          'an upstream MCP server has listed too many tools; new ones are ignored',
        );
    } catch (error) {
      if (!stopped) log.warn({ err: error, connector: name }, 'the upstream MCP server does not list its tools');
    }
  };
  /** Once for each list: it is asked for every minute. */
  const told = new Map<string, string>();
  const tellLeftOut = (name: string, leftOut: readonly UnlistedTool[]): void => {
    const text = JSON.stringify(leftOut);
    if ((told.get(name) ?? '[]') === text) return;
    told.set(name, text);
    log.warn(
      { connector: name, tools: leftOut.slice(0, 50), count: leftOut.length },
      'tools of an upstream MCP server are not offered: their names or schemas cannot be shown safely',
    );
  };
  const askAfterPause = async (name: string): Promise<void> => {
    const rest = (asked.get(name) ?? Number.NEGATIVE_INFINITY) + PAUSE_MS - performance.now();
    if (rest > 0) await sleep(rest, undefined, { ref: false });
    again.delete(name);
    asked.set(name, performance.now());
    await ask(name);
  };
  // One after the other, so that an older answer never replaces a newer one; a server that says it changed without end
  // waits for itself alone.
  const askInTurn = (name: string): Promise<void> => {
    const before = running.get(name);
    if (before !== undefined && again.has(name)) return before;
    if (before !== undefined) again.add(name);
    const next = (before ?? Promise.resolve()).then(() => askAfterPause(name));
    const done = next.finally(() => running.get(name) === done && running.delete(name));
    running.set(name, done);
    return done;
  };
  // Not awaited: one that hangs must not keep the others from being asked.
  const askAll = async (): Promise<void> => {
    for (const name of mcpServersOf(settings)) void askInTurn(name);
  };
  const stopFollowing = settings.onChange(() => void askAll());
  const periodic = repeat('asking the upstreams for their tools', everyMs, log, askAll);
  return {
    // An upstream that does not answer is not waited for: closing its connector ends what was asked of it.
    stop: async () => {
      stopped = true;
      stopFollowing();
      await periodic.stop();
    },
  };
}

import type { ToolDefinition } from '../../contract/policy.ts';
import type { Digest } from '../../contract/json.ts';
import type { UpstreamChanges } from '../../contract/review.ts';
import { changedParts, digestWithoutDescription, type ToolPart, type UpstreamTool } from '../upstream.ts';
import type { InForce, Settings, Upstreams } from './settings.ts';
import { toolNameSchema } from '../../contract/call.ts';
import type { PolicyTool } from './policy.ts';
import { own } from '../json/pointer.ts';

/**
 * What a tool of an upstream is worth: `accepted` (as at first, or as policy accepts it), `changed`, `gone` (no longer
 * listed).
 */
export type UpstreamState = 'accepted' | 'changed' | 'gone';

/** Tools by connector and the upstream's own tool name. */
export function toolsByServer(tools: readonly UpstreamTool[]): Upstreams['tools'] {
  const view = new Map<string, Map<string, UpstreamTool>>();
  for (const tool of tools) {
    const known = view.get(tool.server) ?? new Map<string, UpstreamTool>();
    view.set(tool.server, known.set(tool.tool, tool));
  }
  return view;
}

/** The upstream's own name of a tool that an MCP connector runs. `mcp.<server>.<tool>` may hold dots in `<tool>`. */
export function upstreamNameOf(definition: Pick<ToolDefinition, 'name' | 'mcpTool'>): string {
  return definition.mcpTool ?? definition.name.split('.').slice(2).join('.');
}

export function stateOfUpstream(settings: Trust, tool: UpstreamTool): UpstreamState {
  const { digest, first, firstParts, parts } = tool;
  if (digest === null) return 'gone';
  const accepted = settings.policy.accepted?.get(acceptKey(tool));
  if ((accepted ?? first) === digest) return 'accepted';
  if (!acceptsDescriptions(settings, tool.server)) return 'changed';
  return (accepted ?? digestWithoutDescription(firstParts)) === digestWithoutDescription(parts)
    ? 'accepted'
    : 'changed';
}

type Trust = Pick<Settings, 'policy' | 'connectors'>;

function acceptsDescriptions({ connectors }: Trust, server: string): boolean {
  const connector = own(connectors, server);
  return connector?.type === 'mcp' && connector.acceptDescriptions === true;
}

/**
 * The digest that a call of the tool goes by, and that `accept` may name: of all that its server says of it, or, where
 * descriptions are free, of all but its description. Null: it is not listed.
 */
export function trustedDigest(settings: Trust, { server, digest, parts }: UpstreamTool): Digest | null {
  return digest !== null && acceptsDescriptions(settings, server) ? digestWithoutDescription(parts) : digest;
}

/** Which parts of a tool differ from what was accepted; from how it was first, where no more is known. */
export function changedPartsOf(settings: Trust, tool: UpstreamTool): readonly ToolPart[] {
  const { firstParts, parts, previous } = tool;
  const accepted = settings.policy.accepted?.get(acceptKey(tool));
  const before = accepted !== undefined && previous?.digest === accepted ? previous.parts : firstParts;
  const changed = changedParts(before, parts);
  return acceptsDescriptions(settings, tool.server) ? changed.filter((part) => part !== 'description') : changed;
}

/** Most changed tools that a review names. */
const MOST_NAMED = 20;

/** What changed on the server of a tool, for the people who decide on its calls; undefined: nothing that holds them. */
export function upstreamChanges(
  settings: InForce,
  definition: Pick<ToolDefinition, 'name' | 'mcpTool' | 'connector'>,
): UpstreamChanges | undefined {
  if (distrustUpstream(settings, definition) !== 'upstream_changed') return undefined;
  const tools = [...(settings.upstreams?.tools.get(definition.connector)?.values() ?? [])];
  const changed = tools.filter((tool) => stateOfUpstream(settings, tool) === 'changed');
  return {
    tools: changed
      .slice(0, MOST_NAMED)
      .map((tool) => ({ tool: acceptKey(tool), parts: [...changedPartsOf(settings, tool)] })),
    more: Math.max(changed.length - MOST_NAMED, 0),
  };
}

/** Key of `accept` in the policy file. */
export function acceptKey({ server, tool }: Pick<UpstreamTool, 'server' | 'tool'>): string {
  return `mcp.${server}.${tool}`;
}

/**
 * Why a call of an upstream's tool is held whatever its class. One changed tool holds all of its server's: its text is
 * read by the same model, and who changed it could have changed the others without a trace.
 */
export function distrustUpstream(
  settings: InForce,
  definition: Pick<ToolDefinition, 'name' | 'mcpTool' | 'connector'>,
): 'upstream_changed' | 'upstream_unlisted' | undefined {
  const tools = settings.upstreams?.tools.get(definition.connector);
  const tool = tools?.get(upstreamNameOf(definition));
  if (tools === undefined || tool === undefined || tool.digest === null) return 'upstream_unlisted';
  return changedServers(settings).has(definition.connector) ? 'upstream_changed' : undefined;
}

/** Whether the call goes to an upstream that has not had the time to list its tools. */
export function awaitsFirstToolList(settings: InForce, tool: string): boolean {
  const connector = settings.policy.findTool(tool)?.definition.connector;
  if (connector === undefined || own(settings.connectors, connector)?.type !== 'mcp') return false;
  return settings.upstreams?.settled.has(connector) === false;
}

const changed = new WeakMap<InForce, ReadonlySet<string>>();

/** Servers of which a tool changed. What is in force is replaced, never changed, so it is looked through once. */
function changedServers(settings: InForce): ReadonlySet<string> {
  const known = changed.get(settings);
  if (known !== undefined) return known;
  const servers = [...(settings.upstreams?.tools ?? [])].filter(([, tools]) =>
    [...tools.values()].some((tool) => stateOfUpstream(settings, tool) === 'changed'),
  );
  const names = new Set(servers.map(([server]) => server));
  changed.set(settings, names);
  return names;
}

/** The service of a tool: what stands before the first dot. */
export function serviceOf(tool: string): string {
  return tool.split('.')[0] ?? tool;
}

/** The MCP connector that could run a tool which policy does not name: `mcp.<connector>.<tool>`. */
export function standInFor(name: string, mcpConnectors: ReadonlySet<string>): PolicyTool | undefined {
  const [service, connector = '', ...upstream] = name.split('.');
  if (service !== 'mcp' || upstream.length === 0 || !mcpConnectors.has(connector)) return undefined;
  if (!toolNameSchema.safeParse(name).success) return undefined;
  return {
    definition: { name, class: 'irreversible', connector, mcpTool: upstream.join('.') },
    service,
    origin: 'user',
    overridden: false,
    validate: () => [],
  };
}

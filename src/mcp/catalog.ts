import { toolNameSchema } from '../contract/call.ts';
import type { AgentConfig } from '../contract/config.ts';
import type { JsonObject } from '../contract/json.ts';
import type { ToolDefinition } from '../contract/policy.ts';
import { mayPropose } from '../domain/policy/assess.ts';
import { withoutFolds } from '../domain/policy/schema.ts';
import { gateOf } from '../domain/policy/strictness.ts';
import type { InForce } from '../domain/policy/settings.ts';
import { acceptKey, distrustUpstream, upstreamNameOf } from '../domain/policy/upstreams.ts';

interface OfferedTool {
  /** Full name, as policy and reviewers know it. */
  readonly tool: string;
  /** Policy names it; otherwise it is an upstream's that policy does not know. */
  readonly named: boolean;
  readonly description: string;
  readonly inputSchema: JsonObject;
}

/** What this agent may propose, by the name it is offered under: policy's tools, and those of upstream MCP servers. */
export function offeredTools(settings: InForce, agent: AgentConfig): ReadonlyMap<string, OfferedTool> {
  const named = [...settings.policy.tools.values()].map(({ definition }) => definition);
  const runnable = named.filter(
    (definition) => definition.class !== 'forbidden' && settings.policy.findTool(definition.name) !== undefined,
  );
  const candidates = [
    ...runnable.map((definition) => offer(settings, definition, true)),
    ...unnamedUpstreamTools(settings, named).map((definition) => offer(settings, definition, false)),
  ];
  return assignNames(candidates.filter(({ tool }) => mayPropose(agent, tool)));
}

/** Tools of upstreams that policy says nothing of; they are irreversible, whatever the upstream calls them. */
function unnamedUpstreamTools(settings: InForce, named: readonly ToolDefinition[]): readonly ToolDefinition[] {
  if (settings.policy.unknownTool === 'forbidden') return [];
  const known = new Set(named.map((one) => acceptKey({ server: one.connector, tool: upstreamNameOf(one) })));
  const listed = [...(settings.upstreams?.tools ?? [])].flatMap(([server, tools]) =>
    settings.connectors[server]?.type === 'mcp' ? [...tools.values()] : [],
  );
  return listed
    .filter((tool) => tool.digest !== null && !known.has(acceptKey(tool)))
    .flatMap((tool) => settings.policy.findTool(acceptKey(tool))?.definition ?? [])
    .filter(({ name }) => toolNameSchema.safeParse(name).success);
}

function offer(settings: InForce, definition: ToolDefinition, named: boolean): OfferedTool {
  const upstream = upstreamTextOf(settings, definition);
  const description = [definition.description ?? upstream.description, whatHappens(definition, upstream.changed)];
  return {
    tool: definition.name,
    named,
    description: description.filter((text) => text !== null).join('\n\n'),
    // The specification wants an object at the top.
    inputSchema: {
      ...(definition.arguments ? withoutFolds(definition.arguments) : upstream.inputSchema),
      type: 'object',
    },
  };
}

/** What an upstream says is passed on only while it is what was accepted: a changed text might be aimed at the model. */
function upstreamTextOf(
  settings: InForce,
  definition: ToolDefinition,
): { readonly description: string | null; readonly inputSchema: JsonObject; readonly changed: boolean } {
  const nothing = { description: null, inputSchema: {}, changed: false };
  if (settings.connectors[definition.connector]?.type !== 'mcp') return nothing;
  if (distrustUpstream(settings, definition) !== undefined) return { ...nothing, changed: true };
  const said = settings.upstreams?.tools.get(definition.connector)?.get(upstreamNameOf(definition))?.definition;
  if (said === undefined || said === null) return nothing;
  const description =
    said.description === null
      ? null
      : `The upstream server “${definition.connector}” describes this tool as follows (unverified): ${said.description}`;
  return { description, inputSchema: said.inputSchema, changed: false };
}

function whatHappens(definition: ToolDefinition, changed: boolean): string {
  if (changed) return 'Held for a human decision: its upstream server changed a tool, which is not accepted yet.';
  const gate = gateOf(definition);
  switch (gate) {
    case 'hard':
      return 'Irreversible or sensitive: it waits for a human decision, and may be edited or rejected.';
    case 'soft':
      return 'It runs at once, and people are notified, unless policy holds these arguments for a human decision.';
    case 'none':
      return 'It runs at once, unless policy holds these arguments for a human decision.';
    default:
      return gate satisfies never;
  }
}

/** Prefix of the gateway's own tools; nothing else may be offered under it. */
const OWN_PREFIX = 'holdpoint_';

/** Longest name that the specification lets a tool have. */
const MAX_LENGTH = 128;

/** Models' APIs take no dots in tool names: `github.repos.delete` is offered as `github_repos_delete`. */
function exposedName(tool: string): string {
  return tool.replaceAll('.', '_');
}

/**
 * Tools by the name they are offered under. Where two would have the same name, neither is offered: a model could not
 * tell them apart. Only what policy names may take a name from what it does not name.
 */
export function assignNames<T extends { readonly tool: string; readonly named: boolean }>(
  tools: readonly T[],
): ReadonlyMap<string, T> {
  const groups = new Map<string, T[]>();
  for (const tool of tools) {
    const name = exposedName(tool.tool);
    groups.set(name, [...(groups.get(name) ?? []), tool]);
  }
  const assigned = new Map<string, T>();
  for (const [name, group] of groups) {
    if (name.startsWith(OWN_PREFIX) || name.length > MAX_LENGTH) continue;
    const named = group.filter((tool) => tool.named);
    const [first, ...others] = named.length > 0 ? named : group;
    if (first !== undefined && others.length === 0) assigned.set(name, first);
  }
  return assigned;
}

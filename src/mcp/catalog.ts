import type { ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import { toolNameSchema } from '../contract/call.ts';
import type { AgentConfig } from '../contract/config.ts';
import { distinctName, offeredName } from '../contract/tool-name.ts';
import type { JsonObject } from '../contract/json.ts';
import type { ToolDefinition } from '../contract/policy.ts';
import { mayPropose } from '../domain/policy/assess.ts';
import { withoutFolds } from '../domain/policy/schema.ts';
import { gateOf, onlyReads } from '../domain/policy/strictness.ts';
import { kindOfConnector } from '../domain/render/index.ts';
import { splitTemplate } from '../domain/text/write-value.ts';
import type { InForce } from '../domain/policy/settings.ts';
import { acceptKey, distrustUpstream, upstreamNameOf } from '../domain/policy/upstreams.ts';

export interface OfferedTool {
  /** Full name, as policy and reviewers know it. */
  readonly tool: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly annotations: ToolAnnotations;
}

/** Tools by the name they are offered under, and those that are offered under none. */
interface Naming<T> {
  readonly offered: ReadonlyMap<string, T>;
  readonly leftOut: readonly LeftOut[];
}

/** What this agent may propose, by the name it is offered under. */
export function offeredTools(settings: InForce, agent: AgentConfig): Naming<OfferedTool> {
  const { offered, leftOut } = nameTools(settings);
  return {
    offered: new Map(
      [...offered]
        .filter(([, { tool }]) => mayPropose(agent, tool))
        .map(([name, { definition }]) => [name, offer(settings, definition)]),
    ),
    leftOut: leftOut.filter(({ tool }) => mayPropose(agent, tool)),
  };
}

/** The full name of what this agent is offered under a name; undefined: nothing. */
export function findOffered(settings: InForce, agent: AgentConfig, name: string): string | undefined {
  const tool = nameTools(settings).offered.get(name)?.tool;
  return tool !== undefined && mayPropose(agent, tool) ? tool : undefined;
}

type NamedTools = Naming<Nameable & { readonly definition: ToolDefinition }>;

const namedTools = new WeakMap<InForce, NamedTools>();

/**
 * Policy's tools, and those of upstream MCP servers. A tool has the same name for every agent. What is in force is
 * replaced, never changed, so its tools are named once.
 */
export function nameTools(settings: InForce): NamedTools {
  const known = namedTools.get(settings) ?? assignAll(settings);
  namedTools.set(settings, known);
  return known;
}

function assignAll(settings: InForce): NamedTools {
  const named = [...settings.policy.tools.values()].map(({ definition }) => definition);
  const runnable = named.filter(
    (definition) => definition.class !== 'forbidden' && settings.policy.findTool(definition.name) !== undefined,
  );
  const unnamed = unnamedUpstreamTools(settings, named);
  const { offered, leftOut } = assignNames([
    ...runnable.map((definition) => ({ tool: definition.name, named: true, definition })),
    ...unnamed.flatMap((tool) => {
      const definition = settings.policy.findTool(tool)?.definition;
      return definition === undefined ? [] : [{ tool, named: false, definition }];
    }),
  ]);
  const unusable = unnamed.filter((tool) => !toolNameSchema.safeParse(tool).success);
  return { offered, leftOut: [...leftOut, ...unusable.map((tool) => ({ tool, reason: 'name_unusable' }) as const)] };
}

/** Names of upstreams' tools that policy says nothing of; they are irreversible, whatever the upstream calls them. */
function unnamedUpstreamTools(settings: InForce, named: readonly ToolDefinition[]): readonly string[] {
  if (settings.policy.unknownTool === 'forbidden') return [];
  const known = new Set(named.map((one) => acceptKey({ server: one.connector, tool: upstreamNameOf(one) })));
  const listed = [...(settings.upstreams?.tools ?? [])].flatMap(([server, tools]) =>
    settings.connectors[server]?.type === 'mcp' ? [...tools.values()] : [],
  );
  return listed
    .filter(({ digest }) => digest !== null)
    .map(acceptKey)
    .filter((name) => !known.has(name));
}

function offer(settings: InForce, definition: ToolDefinition): OfferedTool {
  const upstream = upstreamTextOf(settings, definition);
  const description = [definition.description ?? upstream.description, whatHappens(definition, upstream.changed)];
  return {
    tool: definition.name,
    title: titleOf(definition),
    description: description.filter((text) => text !== null).join('\n\n'),
    // The specification wants an object at the top.
    inputSchema: {
      ...(definition.arguments ? withoutFolds(definition.arguments) : upstream.inputSchema),
      type: 'object',
    },
    annotations: annotationsOf(settings, upstream.changed ? { ...definition, class: 'irreversible' } : definition),
  };
}

/** A tool's title for hosts that list tools: the names of its arguments in the place of their values. */
function titleOf({ name, title }: ToolDefinition): string {
  if (title === undefined) return name;
  return splitTemplate(title)
    .map((part) => (typeof part === 'string' ? part : part.name.replaceAll('_', ' ')))
    .join('');
}

/** By class and effects, never by what an upstream says of itself. What policy does not rule out is presumed. */
function annotationsOf({ connectors }: InForce, definition: ToolDefinition): ToolAnnotations {
  const { class: callClass, effects, connector } = definition;
  const readOnlyHint = onlyReads(definition);
  const isHarmless = callClass === 'reversible' || (callClass === 'sensitive' && effects !== undefined);
  const config = connectors[connector];
  return {
    readOnlyHint,
    destructiveHint: !isHarmless || effects?.includes('destroy') === true,
    // Another call is another effect: Holdpoint makes it again.
    idempotentHint: readOnlyHint,
    openWorldHint: config === undefined || kindOfConnector(config).kind !== 'postgres',
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

/** What a tool of the agent's is not offered for. Nothing else is left out. */
export const LEFT_OUT = {
  name_taken: 'Another tool has the only name that this one could be offered under',
  name_unusable:
    'Its upstream server gives it a name that a call cannot have: letters, digits, _, - and dots, at most 200',
} as const;
export interface LeftOut {
  readonly tool: string;
  readonly reason: keyof typeof LEFT_OUT;
}

interface Nameable {
  readonly tool: string;
  /** Policy names it; otherwise it is an upstream's that policy does not know. */
  readonly named: boolean;
}

/**
 * Tools by the name they are offered under. Of several that would have one name, the one that policy names has it if it
 * is the only such; the others are told apart by a mark that follows from their full names. One whose marked name is taken as
 * well is left out: a model could not tell them apart.
 */
export function assignNames<T extends Nameable>(tools: readonly T[]): Naming<T> {
  const plain = groupBy(tools, ({ tool }) => offeredName(tool));
  const owners = new Set([...plain.values()].flatMap((group) => onlyOwner(group) ?? []));
  const wanted = groupBy(tools, (one) => (owners.has(one) ? offeredName : distinctName)(one.tool));
  const offered = new Map([...wanted].flatMap(([name, group]) => pair(name, onlyOwner(group))));
  const leftOut = [...wanted].flatMap(([name, group]) => group.filter((one) => one !== offered.get(name)));
  return { offered, leftOut: leftOut.map(({ tool }) => ({ tool, reason: 'name_taken' })) };
}

/** Only what policy names may take a name from what it does not name. */
function onlyOwner<T extends Nameable>(group: readonly T[]): T | undefined {
  const named = group.filter((tool) => tool.named);
  const [first, ...others] = named.length > 0 ? named : group;
  return others.length === 0 ? first : undefined;
}

function pair<T>(name: string, owner: T | undefined): readonly (readonly [string, T])[] {
  return owner === undefined ? [] : [[name, owner]];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

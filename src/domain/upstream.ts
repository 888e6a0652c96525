import type { Digest, JsonObject } from '../contract/json.ts';
import { digestOf } from './proof/digest.ts';

/** What people and models are shown of an upstream's tool: hostile text, bounded and made visible before it is stored. */
export interface UpstreamDefinition {
  readonly description: string | null;
  /** JSON Schema of the arguments. */
  readonly inputSchema: JsonObject;
}

/** What an upstream may say of a tool; `other` is everything that is not named here. */
const PARTS = ['title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const;
export type ToolPart = (typeof PARTS)[number] | 'other';
/** Digest of each part that it says. */
export type ToolParts = Readonly<Partial<Record<ToolPart, Digest>>>;

/** A tool as an upstream MCP server listed it just now. */
export interface ListedTool {
  /** The upstream's own name. */
  readonly name: string;
  /** Over everything that the upstream says of the tool, as it came. */
  readonly digest: Digest;
  readonly parts: ToolParts;
  readonly definition: UpstreamDefinition;
}

/** A tool that cannot be shown or called safely, and why not. */
export interface UnlistedTool {
  /** Made visible. */
  readonly name: string;
  readonly reason: 'name_unsafe' | 'name_twice' | 'schema_too_large' | 'schema_unsafe';
}
export interface ToolListing {
  readonly tools: readonly ListedTool[];
  readonly leftOut: readonly UnlistedTool[];
}

/** What is remembered of an upstream's tool. */
export interface UpstreamTool {
  /** Name of the connector. */
  readonly server: string;
  readonly tool: string;
  /** As it was when the tool was seen for the first time. */
  readonly first: Digest;
  readonly firstParts: ToolParts;
  /** As it is now; null: the upstream no longer lists it. */
  readonly digest: Digest | null;
  readonly parts: ToolParts;
  /** As it was before it became what it is now; null: it was never anything else. */
  readonly previous: { readonly digest: Digest; readonly parts: ToolParts } | null;
  readonly definition: UpstreamDefinition | null;
}

export function partsOf(tool: JsonObject): ToolParts {
  const named = PARTS.flatMap((part) => {
    const value = tool[part];
    return value === undefined ? [] : [[part, digestOf(value)] as const];
  });
  const other = Object.entries(tool).filter(([key]) => key !== 'name' && !PARTS.some((part) => part === key));
  const rest = other.length === 0 ? [] : [['other', digestOf(Object.fromEntries(other))] as const];
  return Object.fromEntries([...named, ...rest]);
}

/** Which parts differ. */
export function changedParts(before: ToolParts, now: ToolParts): readonly ToolPart[] {
  return ([...PARTS, 'other'] as const).filter((part) => before[part] !== now[part]);
}

/** Over everything but the description: what an upstream with `acceptDescriptions` is held to. */
export function digestWithoutDescription({ description: _, ...parts }: ToolParts): Digest {
  return digestOf(parts);
}

import type { Digest, JsonObject } from '../contract/json.ts';

/** What people and models are shown of an upstream's tool: hostile text, bounded and made visible before it is stored. */
export interface UpstreamDefinition {
  readonly description: string | null;
  /** JSON Schema of the arguments. */
  readonly inputSchema: JsonObject;
}

/** A tool as an upstream MCP server listed it just now. */
export interface ListedTool {
  /** The upstream's own name. */
  readonly name: string;
  /** Over everything that the upstream says of the tool, as it came. */
  readonly digest: Digest;
  readonly definition: UpstreamDefinition;
}

/** What is remembered of an upstream's tool. */
export interface UpstreamTool {
  /** Name of the connector. */
  readonly server: string;
  readonly tool: string;
  /** As it was when the tool was seen for the first time. */
  readonly first: Digest;
  /** As it is now; null: the upstream no longer lists it. */
  readonly digest: Digest | null;
  readonly definition: UpstreamDefinition | null;
}

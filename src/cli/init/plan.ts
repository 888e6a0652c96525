import { configFileSchema, type ConnectorConfig } from '../../contract/config.ts';
import { principalIdSchema } from '../../contract/ids.ts';
import type { Catalog, ToolDefinition } from '../../contract/policy.ts';

/** What `holdpoint init` was told, whoever was asked for it. */
interface Told {
  readonly deploymentId: string;
  readonly agents: readonly string[];
  readonly reviewers: readonly PlannedReviewer[];
  /** Built-in catalogs of the policy. */
  readonly catalogs: readonly Catalog[];
}

/** What was answered, by flags or at the terminal. */
export interface Answers extends Told {
  readonly proposals: readonly Proposal[];
}

/** What the files say. */
export interface Plan extends Told {
  readonly connectors: readonly PlannedConnector[];
  readonly tools: readonly ProposedTool[];
}

export interface PlannedReviewer {
  readonly id: string;
  readonly groups: readonly string[];
}

export interface PlannedConnector {
  readonly name: string;
  readonly config: ConnectorConfig;
  /** Comments above it in the file. */
  readonly notes: readonly string[];
  /** Environment variables that its configuration refers to. */
  readonly variables: readonly Variable[];
}

export interface Variable {
  readonly name: string;
  readonly meaning: string;
}

export interface ProposedTool {
  readonly definition: ToolDefinition;
  /** Why it has its class; stands beside it in the file. */
  readonly note: string;
}

/** An operation or an upstream's tool that became none of the policy's. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

/** What one source of tools gave. */
export interface Proposal {
  readonly connector: PlannedConnector;
  readonly tools: readonly ProposedTool[];
  readonly leftOut: readonly LeftOut[];
}

/** Written beside the class of every tool that may write. */
export const HELD_NOTE = 'held for a decision until you have looked at what it does';

/** A variable's name from a connector's: `my-service` → `MY_SERVICE_TOKEN`. */
export function variableName(connector: string, what: string): string {
  return `${connector.replaceAll(/[^A-Za-z0-9]+/g, '_')}_${what}`.toUpperCase();
}

export function refuseDeployment(id: string): string | undefined {
  if (configFileSchema.shape.deploymentId.safeParse(id).success) return undefined;
  return 'a deployment id is 1 to 63 lower-case letters, digits and hyphens';
}

export function refuseId(id: string): string | undefined {
  if (principalIdSchema.safeParse(id).success && !/^(temporal|workflow):/.test(id)) return undefined;
  return 'an id is 1 to 128 letters, digits and . _ : @ -, starting with a letter or digit';
}

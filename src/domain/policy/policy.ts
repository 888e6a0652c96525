import type { CallClass, Urgency } from '../../contract/call.ts';
import type { JsonObject, Digest } from '../../contract/json.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import type { FiredRule, MetCondition } from '../../contract/review.ts';
import type { ApprovalTimes } from '../deadline.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import type { Evaluation } from './cel-values.ts';
import type { Folds } from './schema.ts';

/** A tool as policy knows it: the definition after includes and overrides, with compiled checks. */
export interface PolicyTool {
  readonly definition: ToolDefinition;
  readonly service: string;
  /** Where it comes from: a built-in catalog or the user's file. */
  readonly origin: 'builtin' | 'user';
  /** A user's `override: true` loosened it. */
  readonly overridden: boolean;
  /** Arguments that conditions compare without regard to letter case; undefined: none. */
  readonly folds?: Folds | undefined;
  /**
   * Checks arguments against the JSON Schema. With `sealed: true`, values at the tool's `seal` pointers may be sealed
   * placeholders and are not looked into.
   */
  validate(args: JsonObject, options: { readonly sealed: boolean }): readonly ArgumentError[];
}

export interface ClassifyInput {
  readonly tool: string;
  readonly service: string;
  readonly arguments: JsonObject;
  /** Pinned context already laid over the caller's. */
  readonly context: JsonObject;
  /**
   * The pinned context alone. A caller's own context never lowers a class: the call is classified with and without
   * it, and the stricter result counts.
   */
  readonly pinnedContext: JsonObject;
  readonly proposer: string;
  /** The caller's own word, as its context is: the call is also classified as one of normal urgency. */
  readonly urgency?: Urgency | undefined;
  /** A floor that the connector's own look at the arguments sets (e.g. SQL that is not one plain SELECT). */
  readonly floor?: { readonly class: CallClass; readonly reason: string };
  /** What all questions about one call may cost together; without it, each has a budget of its own. */
  readonly evaluation?: Evaluation;
}

type PlannedLevels = readonly {
  readonly name: string;
  readonly approvers: readonly string[];
  readonly quorum: number;
}[];

/** An approval that a tool's calls may come under. `when`: its CEL text; null: every call that came under none before. */
export interface ToolApproval {
  readonly when: string | null;
  readonly levels: PlannedLevels;
}

/** Approval in force for a hard-gated call. */
export interface ApprovalPlan extends ApprovalTimes {
  readonly levels: PlannedLevels;
  readonly separationOfDuties: boolean;
  readonly emailDecision: 'confirm' | 'sign-in' | 'off';
  readonly slackDecision: 'confirm' | 'sign-in' | 'off';
  /** What the same call, proposed again soon after its rejection, comes to. */
  readonly reproposal: 'attach' | 'ask';
  /** The `match` that selected it. */
  readonly selectedBy: MetCondition;
}

export type Classification = { readonly reasonCodes: readonly string[]; readonly fired: readonly FiredRule[] } & (
  | { readonly kind: 'blocked'; readonly class: CallClass | null; readonly errors?: readonly ArgumentError[] }
  | { readonly kind: 'free'; readonly class: CallClass; readonly gate: 'none' | 'soft' }
  | { readonly kind: 'held'; readonly class: CallClass; readonly gate: 'hard'; readonly approval: ApprovalPlan }
);

/** A compiled policy file. Pure: the same input gives the same answer. */
export interface Policy {
  /** SHA-256 over the RFC 8785 form of the effective policy (catalogs included). */
  readonly digest: Digest;
  readonly tools: ReadonlyMap<string, PolicyTool>;
  readonly unknownTool: 'irreversible' | 'forbidden';
  /** Digests of upstream tools that the policy accepts although they changed, by `mcp.<server>.<tool>`. */
  readonly accepted?: ReadonlyMap<string, Digest>;
  /**
   * The tool a call names: one of `tools`, or a stand-in (class irreversible, no schema) for a tool that policy does not
   * name but a configured MCP connector could run. Undefined: it cannot run.
   */
  findTool(name: string): PolicyTool | undefined;
  /** Who may come to decide on calls of a tool; empty: they are never held. For people who read the policy. */
  approvalsOf(tool: PolicyTool): readonly ToolApproval[];
  /** Never throws: what cannot be evaluated is irreversible or blocked. Does not look at the agent's tool list or `freeze`. */
  classify(input: ClassifyInput): Classification;
  /** The approval that a hard gate of this call would select, whatever its class says (used when a call is held for want of attestation). */
  approvalFor(input: ClassifyInput): ApprovalPlan | { readonly error: 'policy_error' };
}

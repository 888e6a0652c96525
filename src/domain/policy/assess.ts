import type { CallClass, Gate, Target, Urgency } from '../../contract/call.ts';
import type { ReasonCode } from '../../contract/codes.ts';
import type { AgentConfig } from '../../contract/config.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { FiredRule, Level } from '../../contract/review.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import type { ApprovalPlan, ClassifyInput } from './policy.ts';
import { escalationOf } from '../deadline.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import { INVALID_CALL } from '../outcome.ts';
import { valueAt, own } from '../json/pointer.ts';
import { argumentFloor, renderTarget } from '../render/index.ts';
import { isSealed } from '../seal-binding.ts';
import { missingConnector } from './classify.ts';
import { createEvaluation } from './expression.ts';
import { findFreezeOf } from './frozen.ts';
import { matchesPattern, type InForce, type Settings } from './settings.ts';
import { findUnwantedNulls } from './unwanted-nulls.ts';
import { acceptKey, distrustUpstream, trustedDigest, upstreamNameOf } from './upstreams.ts';

/** Who proposes, as far as it could be established. */
export type Proposer =
  | { readonly attested: true; readonly id: string; readonly owner: string | null; readonly agent: AgentConfig }
  | { readonly attested: false; readonly id: string; readonly owner: null };

export interface AssessInput {
  readonly service: string;
  readonly tool: string;
  /** Sealed where the tool says so. */
  readonly arguments: JsonObject;
  /** The caller's own; ignored where the proposal is not attested. */
  readonly context: JsonObject;
  /** Likewise; null: it said nothing, which counts as normal. */
  readonly urgency: Urgency | null | undefined;
  readonly proposer: Proposer;
  readonly settings: InForce;
  /** A revision of a held call: the gate stays hard whatever the new arguments' class. */
  readonly stayHeld?: boolean;
  /** Sensitive, and too many of its tool ran without a decision in the last hour. */
  readonly overSensitiveLimit?: boolean;
}

interface Assessed {
  readonly class: CallClass | null;
  readonly reasonCodes: readonly string[];
  /** Context in force: pinned values laid over the caller's. */
  readonly context: JsonObject;
  readonly fired: readonly FiredRule[];
  readonly override: boolean;
}
interface Blocked extends Assessed {
  readonly kind: 'blocked';
  readonly gate: null;
  readonly errors: readonly ArgumentError[];
  /** The arguments hold something in the clear that must not be stored. */
  readonly withhold: boolean;
}
/** Rendered: what would be sent, without credentials. */
interface Runnable extends Assessed {
  readonly class: CallClass;
  readonly target: Target;
}
export type Assessment =
  | Blocked
  | (Runnable & { readonly kind: 'free'; readonly gate: 'none' | 'soft' })
  | (Runnable & { readonly kind: 'held'; readonly gate: 'hard'; readonly approval: ApprovalPlan });

/** Blocked before policy was asked about it. `withhold`: none of its arguments may be stored. */
export function blockUnassessed(code: ReasonCode, withhold: boolean): Assessment & { readonly kind: 'blocked' } {
  const unknown = { class: null, gate: null, context: {}, fired: [], override: false };
  return { ...unknown, kind: 'blocked', reasonCodes: [code], errors: [], withhold };
}

/**
 * Everything that policy and configuration say of one call. Pure. The gate worker asks before a call is held or let
 * through, the execute worker asks again before it is made, `policy explain` asks for nothing but the answer.
 */
export function assessCall(input: AssessInput): Assessment {
  const { settings, proposer } = input;
  const pinned = proposer.attested ? (proposer.agent.context ?? {}) : {};
  const context: JsonObject = proposer.attested ? { ...input.context, ...pinned } : {};
  let known: Omit<Assessed, 'reasonCodes'> = { class: null, context, fired: [], override: false };
  const block = (code: ReasonCode, more: Partial<Blocked> = {}): Blocked => ({
    kind: 'blocked',
    gate: null,
    errors: [],
    withhold: false,
    ...known,
    reasonCodes: [code],
    ...more,
  });

  if (!proposer.attested && settings.unattested === 'refuse') return block('unattested_refused', { withhold: true });
  const tool = settings.policy.tools.get(input.tool);
  const definition = findTool(settings, input.tool);
  known = { ...known, class: tool?.definition.class ?? null };
  const sealing = checkSealing(definition?.seal ?? [], input.arguments);
  if (proposer.attested && !mayPropose(proposer.agent, input.tool)) {
    return block('tool_not_allowed', { withhold: sealing !== 'ok' });
  }
  if (sealing !== 'ok') return block(sealing, { withhold: true });

  const floor = definition === undefined ? undefined : floorOf(settings, definition, input.arguments);
  const question: ClassifyInput = {
    tool: input.tool,
    service: input.service,
    arguments: input.arguments,
    context,
    pinnedContext: pinned,
    proposer: proposer.id,
    ...(proposer.attested && input.urgency ? { urgency: input.urgency } : {}),
    evaluation: createEvaluation(),
    ...(floor === undefined ? {} : { floor }),
  };
  const verdict = settings.policy.classify(question);
  const { reasonCodes } = verdict;
  known = { class: verdict.class, context, fired: verdict.fired, override: tool?.overridden ?? false };
  if (verdict.kind === 'blocked') {
    return block('policy_error', { reasonCodes, errors: verdict.errors ?? [] });
  }
  if (findFreeze(settings, input) !== undefined) return block('frozen');
  if (definition === undefined) return block('unknown_tool');
  const rendered = render(definition, input);
  if (rendered === undefined) return block('connector_missing', { errors: [missingConnector(definition)] });
  if (!rendered.ok) {
    const { errors } = rendered;
    return block(
      'arguments_invalid',
      definition.sql === undefined ? { errors } : { errors, reasonCodes: INVALID_CALL },
    );
  }
  const { target } = rendered;
  const assessed = { ...known, class: verdict.class, target };
  const held = heldVerdict(question, input, verdict);
  if (held === 'policy_error') return block('policy_error');
  if (held !== undefined) {
    if (!proposer.attested && held.approval.separationOfDuties) return block('owner_unknown');
    return { kind: 'held', ...assessed, gate: 'hard', ...held };
  }
  return verdict.kind === 'free'
    ? { kind: 'free', ...assessed, gate: verdict.gate, reasonCodes }
    : block('policy_error');
}

/** Levels as they stand in the digest. `startedAt`: epoch ms of the start of the review. */
export function levelsOf(plan: ApprovalPlan, startedAt: number): Level[] {
  const escalation = escalationOf(plan, startedAt);
  return plan.levels.map((level) => ({
    name: level.name,
    approvers: [...level.approvers],
    quorum: level.quorum,
    escalation,
  }));
}

export function mayPropose(agent: AgentConfig, tool: string): boolean {
  return agent.tools === undefined || agent.tools.some((pattern) => matchesPattern(pattern, tool));
}

/**
 * The definition that a tool name runs under: the policy's, or, for a tool of a configured upstream MCP server that
 * no policy names, one that is irreversible.
 */
export function findTool(settings: Settings, name: string): ToolDefinition | undefined {
  return settings.policy.tools.get(name)?.definition ?? settings.policy.findTool(name)?.definition;
}

/**
 * A freeze stops what would run, under whichever name it is proposed: an upstream's tool that policy renames is frozen by
 * the upstream's own name too (`mcp.<server>.<tool>`), and SQL that `postgres.select` cannot run by the tools that can.
 */
export function findFreeze(settings: InForce, call: Pick<AssessInput, 'tool' | 'arguments'>) {
  const definition = findTool(settings, call.tool);
  const others = definition === undefined ? [] : otherNames(settings, definition, call);
  return findFreezeOf(settings, [call.tool, ...others]);
}

function otherNames(
  settings: Settings,
  definition: ToolDefinition,
  { arguments: args }: Pick<AssessInput, 'arguments'>,
): string[] {
  const { connector } = definition;
  if (own(settings.connectors, connector)?.type === 'mcp') {
    return [acceptKey({ server: connector, tool: upstreamNameOf(definition) })];
  }
  if (argumentFloor(definition, args) === undefined) return [];
  return [...settings.policy.tools.values()]
    .filter(({ definition: other }) => other.connector === connector && other.sql === 'execute')
    .map(({ definition: other }) => other.name);
}

/** Every argument that must be sealed is, and nothing else is. */
function checkSealing(pointers: readonly string[], args: JsonObject): 'ok' | 'seal_required' | 'arguments_invalid' {
  let expected = 0;
  for (const pointer of pointers) {
    const value = valueAt(args, pointer);
    if (value === undefined) continue;
    if (!isSealed(value)) return 'seal_required';
    expected += 1;
  }
  return countSealed(args) === expected ? 'ok' : 'arguments_invalid';
}

function countSealed(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  // Any `$sealed` counts here: one with other keys beside it is not a sealed value, and counts as one too many.
  if (Object.hasOwn(value, '$sealed')) return 1;
  let count = 0;
  for (const item of Object.values(value) as Json[]) {
    if (typeof item === 'object' && item !== null) count += countSealed(item);
  }
  return count;
}

function heldVerdict(
  question: ClassifyInput,
  input: AssessInput,
  verdict: {
    readonly kind: 'free' | 'held';
    readonly reasonCodes: readonly string[];
    readonly gate: Gate;
    readonly approval?: ApprovalPlan;
  },
): { readonly approval: ApprovalPlan; readonly reasonCodes: readonly string[] } | 'policy_error' | undefined {
  const overLimit = input.overSensitiveLimit === true;
  const reasonCodes: readonly string[] = [
    ...verdict.reasonCodes,
    ...(input.proposer.attested ? [] : ['unattested']),
    ...(overLimit ? ['sensitive_limit'] : []),
  ];
  if (verdict.approval !== undefined) return { approval: verdict.approval, reasonCodes };
  const mayGo = input.proposer.attested || input.settings.unattested === 'allow';
  if (mayGo && input.stayHeld !== true && !overLimit) return undefined;
  // Held for want of a signature, beyond a limit, or because it was held before, whatever its class.
  const approval = input.settings.policy.approvalFor(question);
  return 'error' in approval ? 'policy_error' : { approval, reasonCodes };
}

/**
 * What is wrong with the arguments of a call: they do not fit the tool's schema, or its request cannot carry them. Without
 * `sealed`, values that are about to be sealed are looked at too.
 */
export function findArgumentErrors(
  settings: InForce,
  { tool: name, arguments: args }: Pick<AssessInput, 'tool' | 'arguments'>,
  options: { readonly sealed: boolean },
): readonly ArgumentError[] {
  const tool = settings.policy.findTool(name);
  const errors = tool?.validate(args, options) ?? [];
  if (errors.length > 0) return errors;
  const rendered = render(tool?.definition, { settings, arguments: args });
  return rendered === undefined || rendered.ok ? [] : rendered.errors;
}

/** Undefined: its connector is not configured. */
function render(
  tool: ToolDefinition | undefined,
  input: Pick<AssessInput, 'settings' | 'arguments'>,
): ReturnType<typeof renderTarget> | undefined {
  if (tool === undefined) return undefined;
  const connector = own(input.settings.connectors, tool.connector);
  if (connector === undefined) return undefined;
  const rendered = renderTarget(tool, tool.connector, connector, input.arguments);
  if (connector.type !== 'mcp' || !rendered.ok) return rendered;
  // What the upstream says of the tool belongs to what is approved: one that changes its tool meanwhile has `drifted`.
  const listed = input.settings.upstreams?.tools.get(tool.connector)?.get(upstreamNameOf(tool));
  const schema = tool.arguments === undefined ? listed?.definition?.inputSchema : undefined;
  const errors = findUnwantedNulls(schema, input.arguments);
  if (errors.length > 0) return { ok: false, code: 'invalid_call', errors };
  const definition = listed === undefined ? null : trustedDigest(input.settings, listed);
  const request = { ...(rendered.target.request as JsonObject), definition };
  return { ok: true, target: { ...rendered.target, request } };
}

/** The class that holds whatever policy says: of SQL that is not plain, and of an upstream that is not what it was. */
function floorOf(
  settings: InForce,
  definition: ToolDefinition,
  args: JsonObject,
): { readonly class: 'irreversible'; readonly reason: ReasonCode } | undefined {
  const isUpstream = own(settings.connectors, definition.connector)?.type === 'mcp';
  const distrust = isUpstream ? distrustUpstream(settings, definition) : undefined;
  return distrust === undefined ? argumentFloor(definition, args) : { class: 'irreversible', reason: distrust };
}

import type { CallClass, Gate } from '../../contract/call.ts';
import type { ReasonCode } from '../../contract/codes.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import type { FiredRule, MetCondition } from '../../contract/review.ts';
import { findUnsealed } from '../seal-binding.ts';
import { sameJson } from '../proof/digest.ts';
import type { CompiledApproval, CompiledRule, Condition } from './conditions.ts';
import { createEvaluation, prepareInput, type ExpressionInput } from './expression.ts';
import type { Folds } from './schema.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import type { ApprovalPlan, Classification, ClassifyInput, PolicyTool } from './policy.ts';
import { gateOf, stricterClass, stricterGate } from './strictness.ts';
import { areTimesAtLeastAsStrict } from '../deadline.ts';

/** What classification needs of a compiled policy. */
export interface Compiled {
  readonly rules: readonly CompiledRule[];
  readonly approvals: readonly CompiledApproval[];
  readonly unknownTool: 'irreversible' | 'forbidden';
  /** A tool that policy names, whether or not its connector is configured. */
  findNamed(name: string): PolicyTool | undefined;
  /** A tool that policy names and a connector can run. */
  findListed(name: string): PolicyTool | undefined;
  findTool(name: string): PolicyTool | undefined;
}

/** What a tool, a rule or a floor asks for. Adding one never makes the sum weaker. */
interface Demand {
  readonly class: CallClass;
  readonly gate: Gate;
}

export function classifyCall(policy: Compiled, input: ClassifyInput): Classification {
  const tool = policy.findTool(input.tool);
  if (tool === undefined) {
    const named = policy.findNamed(input.tool)?.definition;
    if (named === undefined) return block(null, ['unknown_tool'], []);
    return { ...block(named.class, ['connector_missing'], []), errors: [missingConnector(named)] };
  }
  if (tool.service !== input.service) {
    const errors = [{ pointer: '', message: `the service of ${input.tool} is ${tool.service}` }];
    return { ...block(null, ['unknown_tool'], []), errors };
  }
  const listed = policy.findListed(input.tool) !== undefined;
  if (!listed && policy.unknownTool === 'forbidden') return block('forbidden', ['forbidden', 'unlisted_tool'], []);
  const { definition } = tool;
  if (definition.class === 'forbidden') return block('forbidden', ['forbidden'], []);
  if (findUnsealed(input.arguments, definition.seal ?? []).length > 0) {
    return block(definition.class, ['seal_required'], []);
  }
  const errors = tool.validate(input.arguments, { sealed: true });
  if (errors.length > 0) return { ...block(definition.class, ['arguments_invalid'], []), errors };
  return applyRules(policy, input, tool, listed);
}

/** What is told of a tool that policy names and no connector can run. */
export function missingConnector({ name, connector }: ToolDefinition): ArgumentError {
  return { pointer: '', message: `${name} runs through the connector ${connector}, which is not configured` };
}

function applyRules(policy: Compiled, input: ClassifyInput, tool: PolicyTool, listed: boolean): Classification {
  const { definition } = tool;
  const { whole, pinned } = prepareCall(input, tool.folds);
  const fired = fireRules(policy.rules, input, whole === pinned ? [whole] : [whole, pinned]);
  const demands: readonly Demand[] = [
    { class: definition.class, gate: gateOf(definition) },
    ...fired.map((rule) => ({ class: rule.class, gate: gateOf(rule) })),
    ...(input.floor === undefined ? [] : [{ class: input.floor.class, gate: gateOf({ class: input.floor.class }) }]),
  ];
  const callClass = demands.map((demand) => demand.class).reduce(stricterClass);
  const gate = demands.map((demand) => demand.gate).reduce(stricterGate);
  const causes = [
    ...(listed ? [] : ['unlisted_tool']),
    ...(fired.some(({ error }) => error !== null) ? ['rule_error'] : []),
    ...fired.flatMap(({ reason }) => reason ?? []),
    ...(input.floor === undefined ? [] : [input.floor.reason]),
  ];
  const notes = tool.overridden ? ['override'] : [];
  if (callClass === 'forbidden') return block('forbidden', ['forbidden', ...causes, ...notes], fired);
  if (gate !== 'hard')
    return { kind: 'free', class: callClass, gate, reasonCodes: unique([...causes, ...notes]), fired };
  const selected = selectApproval(policy.approvals, input, { whole, pinned }, callClass);
  if ('error' in selected) {
    return block(callClass, ['policy_error', ...causes, ...notes], [...fired, { ...selected.error, class: callClass }]);
  }
  const because = [...(listed ? ownReasons(definition) : []), ...causes];
  return {
    kind: 'held',
    class: callClass,
    gate,
    reasonCodes: unique([...(because.length > 0 ? because : ['held_by_policy']), ...notes]),
    fired,
    approval: selected.plan,
  };
}

/** Why a tool's calls are held whatever their arguments. */
function ownReasons(definition: ToolDefinition): readonly ReasonCode[] {
  if (gateOf(definition) !== 'hard') return [];
  switch (definition.class) {
    case 'irreversible':
      return ['irreversible-tool'];
    case 'sensitive':
      return ['sensitive-tool'];
    case 'reversible':
    case 'forbidden':
      return [];
    default:
      return definition.class satisfies never;
  }
}

/**
 * What conditions are asked about: the call with all that its caller says, and with the pinned context alone. A rule that holds (or
 * fails) in either counts, so what a caller says about itself can make the answer stricter and never weaker. Both share
 * one budget.
 */
export function prepareCall(
  input: ClassifyInput,
  folds: Folds | undefined,
): { readonly whole: ExpressionInput; readonly pinned: ExpressionInput } {
  const evaluation = input.evaluation ?? createEvaluation();
  const whole = prepareInput(input, folds, evaluation);
  const { urgency = 'normal', context, pinnedContext } = input;
  const isSame = urgency === 'normal' && sameJson(context, pinnedContext);
  const plain = { ...input, context: pinnedContext, urgency: undefined };
  const pinned = isSame ? whole : prepareInput(plain, folds, evaluation);
  return { whole, pinned };
}

function fireRules(
  rules: readonly CompiledRule[],
  call: CallOfTool,
  inputs: readonly ExpressionInput[],
): readonly FiredRule[] {
  return rules.flatMap((rule) => {
    const { expression, class: callClass, gate, reason } = rule;
    const asked = expression.readsCallersWord ? inputs : inputs.slice(0, 1);
    const verdicts = asked.map((input) => expression.evaluate(input));
    const failed = verdicts.find((verdict) => !verdict.ok);
    const fired: FiredRule[] = [];
    if (verdicts.some((verdict) => verdict.ok && verdict.value)) {
      fired.push({ ...metBy(call, rule), class: callClass, gate, reason, error: null });
    }
    if (failed !== undefined && !failed.ok) {
      // What could not be judged is at least as strict as what the rule would have asked for.
      const strict = stricterClass('irreversible', callClass);
      fired.push({ ...metBy(call, rule), class: strict, gate: 'hard', reason: failed.code, error: failed.error });
    }
    return fired;
  });
}

type CallOfTool = Pick<ClassifyInput, 'tool' | 'service'>;

function metBy(
  { tool, service }: CallOfTool,
  { expression, placeOf }: Pick<Condition, 'expression' | 'placeOf'>,
): MetCondition {
  return { source: `${placeOf()} ${expression.text}`, reads: [...expression.readsOf(tool, service)] };
}

function block(
  callClass: CallClass | null,
  reasonCodes: readonly string[],
  fired: readonly FiredRule[],
): Extract<Classification, { kind: 'blocked' }> {
  return { kind: 'blocked', class: callClass, reasonCodes: unique(reasonCodes), fired };
}

function unique(codes: readonly string[]): readonly string[] {
  return [...new Set(codes)];
}

type Selected = { readonly plan: ApprovalPlan } | { readonly error: Omit<FiredRule, 'class'> };

/**
 * The first approval that matches. What a caller says about itself may select another one than the pinned context alone
 * would, but only a stricter one: a caller never chooses who decides about its calls.
 */
export function selectApproval(
  approvals: readonly CompiledApproval[],
  call: CallOfTool,
  inputs: { readonly whole: ExpressionInput; readonly pinned: ExpressionInput },
  callClass: CallClass,
): Selected {
  const pinned = selectIn(approvals, call, inputs.pinned, callClass);
  const whole = inputs.whole === inputs.pinned ? pinned : selectIn(approvals, call, inputs.whole, callClass);
  if ('error' in pinned) return pinned;
  if ('error' in whole) return whole;
  return isAtLeastAsStrict(whole.plan, pinned.plan) ? whole : pinned;
}

function selectIn(
  approvals: readonly CompiledApproval[],
  call: CallOfTool,
  input: ExpressionInput,
  callClass: CallClass,
): Selected {
  for (const approval of approvals) {
    const { expression, plan } = approval;
    const verdict = expression.evaluate(input);
    if (!verdict.ok) {
      return { error: { ...metBy(call, approval), gate: null, reason: 'policy_error', error: verdict.error } };
    }
    if (!verdict.value) continue;
    const byClass = callClass === 'irreversible' ? 'sign-in' : 'confirm';
    return {
      plan: {
        ...plan,
        selectedBy: metBy(call, approval),
        emailDecision: plan.emailDecision ?? byClass,
        slackDecision: plan.slackDecision ?? byClass,
      },
    };
  }
  return {
    error: { source: 'approvals', reads: [], gate: null, reason: 'policy_error', error: 'no approval matches' },
  };
}

const REMOTE_STRICTNESS = { confirm: 0, 'sign-in': 1, off: 2 } as const;

/** A call that passes `a` would have passed `b` too: `a` asks for everything that `b` asks for. */
function isAtLeastAsStrict(a: ApprovalPlan, b: ApprovalPlan): boolean {
  return (
    coversLevels(a.levels, b.levels) &&
    (a.separationOfDuties || !b.separationOfDuties) &&
    areTimesAtLeastAsStrict(a, b) &&
    REMOTE_STRICTNESS[a.emailDecision] >= REMOTE_STRICTNESS[b.emailDecision] &&
    REMOTE_STRICTNESS[a.slackDecision] >= REMOTE_STRICTNESS[b.slackDecision] &&
    (a.reproposal === 'attach' || b.reproposal === 'ask')
  );
}

/** Every level of `b`, in order, has one in `a` with no other groups and no smaller quorum. */
function coversLevels(a: ApprovalPlan['levels'], b: ApprovalPlan['levels']): boolean {
  let next = 0;
  for (const level of a) {
    const wanted = b[next];
    if (wanted === undefined) return true;
    if (isWithin(level.approvers, wanted.approvers) && level.quorum >= wanted.quorum) next += 1;
  }
  return next === b.length;
}

function isWithin(some: readonly string[], all: readonly string[]): boolean {
  return some.every((group) => all.includes(group));
}

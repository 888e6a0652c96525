import { Ajv2020 } from 'ajv/dist/2020.js';
import { CLASSES, GATES, type CallClass, type Gate } from '../../src/contract/call.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { ToolDefinition } from '../../src/contract/policy.ts';
import type { FiredRule } from '../../src/contract/review.ts';
import { digestOf } from '../../src/domain/proof/digest.ts';
import type {
  ApprovalPlan,
  Classification,
  ClassifyInput,
  Policy,
  PolicyTool,
} from '../../src/domain/policy/policy.ts';

/** A rule as a function, so that a test can make it throw. */
export interface SmallRule {
  readonly name: string;
  readonly when: (input: ClassifyInput) => boolean;
  readonly class: CallClass;
}

export interface SmallPolicy {
  readonly tools: readonly ToolDefinition[];
  readonly rules?: readonly SmallRule[];
  readonly approval: ApprovalPlan | ((input: ClassifyInput) => ApprovalPlan);
  /** Tools that the user's file loosened. */
  readonly overridden?: readonly string[];
}

export const ONE_OF_OPS: ApprovalPlan = {
  levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }],
  separationOfDuties: false,
  expireAfterMs: 24 * 3_600_000,
  remindBeforeMs: [],
  escalate: null,
  emailDecision: 'sign-in',
  slackDecision: 'sign-in',
  // Tests propose the same call over and over.
  reproposal: 'ask',
  selectedBy: { source: 'true', reads: [] },
};

const DEFAULT_GATE: Record<CallClass, Gate> = {
  reversible: 'none',
  sensitive: 'soft',
  irreversible: 'hard',
  forbidden: 'hard',
};

/**
 * A policy made by hand behind the real interface: the gate's tests are about what is done with a classification, not
 * about how the policy file says it.
 */
export function smallPolicy(source: SmallPolicy): Policy {
  const tools = new Map(source.tools.map((tool) => [tool.name, toolOf(tool, source)]));
  const approvalFor = (input: ClassifyInput): ApprovalPlan | { readonly error: 'policy_error' } => {
    try {
      return typeof source.approval === 'function' ? source.approval(input) : source.approval;
    } catch {
      return { error: 'policy_error' };
    }
  };
  return {
    digest: digestOf({
      ...source,
      rules: (source.rules ?? []).map((rule) => rule.name),
      approval: typeof source.approval === 'function' ? 'a function' : { ...source.approval },
    }),
    tools,
    unknownTool: 'irreversible',
    findTool: (name) => tools.get(name),
    approvalsOf: ({ definition }) =>
      definition.class === 'irreversible' && typeof source.approval === 'object'
        ? [{ when: null, levels: source.approval.levels }]
        : [],
    classify: (input) => classify(tools, source.rules ?? [], approvalFor, input),
    approvalFor,
  };
}

function classify(
  tools: ReadonlyMap<string, PolicyTool>,
  rules: readonly SmallRule[],
  approvalFor: Policy['approvalFor'],
  input: ClassifyInput,
): Classification {
  const tool = tools.get(input.tool);
  if (tool === undefined) return { kind: 'blocked', class: null, reasonCodes: ['unknown_tool'], fired: [] };
  const { definition } = tool;
  if (input.service !== tool.service) {
    const mismatch = [{ pointer: '', message: `the service of ${input.tool} is ${tool.service}` }];
    return { kind: 'blocked', class: null, reasonCodes: ['unknown_tool'], errors: mismatch, fired: [] };
  }
  const errors = tool.validate(input.arguments, { sealed: true });
  if (errors.length > 0) {
    return { kind: 'blocked', class: definition.class, reasonCodes: ['arguments_invalid'], errors, fired: [] };
  }
  const fired = rules.flatMap((rule) => fire(rule, input));
  const classes = [definition.class, ...fired.map((rule) => rule.class), ...(input.floor ? [input.floor.class] : [])];
  const callClass = CLASSES[Math.max(...classes.map((item) => CLASSES.indexOf(item)))] ?? 'forbidden';
  if (callClass === 'forbidden') return { kind: 'blocked', class: callClass, reasonCodes: ['forbidden'], fired };
  const gates = [DEFAULT_GATE[callClass], ...(definition.gate === undefined ? [] : [definition.gate])];
  const gate = GATES[Math.max(...gates.map((item) => GATES.indexOf(item)))] ?? 'hard';
  const reasonCodes = fired.flatMap((rule) => (rule.reason === null ? [] : [rule.reason]));
  if (gate !== 'hard') return { kind: 'free', class: callClass, gate, reasonCodes, fired };
  const approval = approvalFor(input);
  if ('error' in approval) return { kind: 'blocked', class: callClass, reasonCodes: ['policy_error'], fired };
  return { kind: 'held', class: callClass, gate, reasonCodes: ['irreversible-tool', ...reasonCodes], fired, approval };
}

function fire(rule: SmallRule, input: ClassifyInput): FiredRule[] {
  const base = { source: rule.name, reads: [], gate: null, error: null };
  try {
    return rule.when(input) ? [{ ...base, class: rule.class, reason: rule.name }] : [];
  } catch {
    return [{ ...base, class: 'irreversible', reason: 'rule_error', error: 'failed' }];
  }
}

function toolOf(definition: ToolDefinition, source: SmallPolicy): PolicyTool {
  const schema = definition.arguments ?? { type: 'object' };
  const check = compile(schema);
  const checkSealed = compile(openAt(schema, definition.seal ?? []));
  return {
    definition,
    service: definition.name.split('.')[0] ?? '',
    origin: 'user',
    overridden: source.overridden?.includes(definition.name) ?? false,
    validate: (args, { sealed }) => {
      const validate = sealed ? checkSealed : check;
      if (validate(args)) return [];
      return (validate.errors ?? []).map((error) => ({ pointer: error.instancePath, message: error.message ?? '' }));
    },
  };
}

const ajv = new Ajv2020({ strict: false });
const compiled = new Map<string, ReturnType<typeof ajv.compile>>();

/** Compiling takes longer than most tests. */
function compile(schema: JsonObject): ReturnType<typeof ajv.compile> {
  const text = JSON.stringify(schema);
  const known = compiled.get(text) ?? ajv.compile(schema);
  compiled.set(text, known);
  return known;
}

/** The schema with top-level sealed properties left open. */
function openAt(schema: JsonObject, pointers: readonly string[]): JsonObject {
  const properties = { ...(schema['properties'] as JsonObject | undefined) };
  for (const pointer of pointers) properties[pointer.slice(1)] = true;
  return schema['properties'] === undefined ? schema : { ...schema, properties };
}

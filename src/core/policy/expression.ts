import { celEnv, isCelError, parse, plan, type CelInput } from '@bufbuild/cel';
import { RE2JS } from '@bufbuild/re2';
import type { Json, JsonObject } from '../../contract/json.ts';
import { argumentUses, type ArgumentPath } from './argument-uses.ts';
import { boundSteps, MAX_STEPS, type InputSize, measureInput } from './cel-cost.ts';
import { checkExpression, VARIABLES } from './cel-check.ts';
import { childrenOf, type Expr } from './cel-tree.ts';

/** A condition of the policy file (CEL), parsed and checked once. */
export interface Expression {
  readonly text: string;
  /** Never throws. What is not plainly true or false is an error, and the caller decides what that means. */
  evaluate(input: ExpressionInput): Verdict;
  /** Places in the arguments that it may look at. */
  readonly uses: readonly ArgumentPath[];
  /** False where its own text rules this tool out, e.g. `tool == "another" && …`. */
  concerns(tool: string, service: string): boolean;
}

type Verdict = { readonly ok: true; readonly value: boolean } | { readonly ok: false; readonly error: string };

/** What expressions see, converted and measured once per call. */
export interface ExpressionInput {
  readonly bindings: Readonly<Record<string, CelInput>>;
  readonly size: InputSize;
}

interface ExpressionProblem {
  /** Characters from the start of the expression. */
  readonly offset: number;
  readonly message: string;
  readonly fix: string;
}

export type ExpressionResult =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };

const LONGEST_EXPRESSION = 4_096;

/** Patterns are literals of the policy (see `checkExpression`), so there are as many as people wrote. */
const matchers = new Map<string, RE2JS>();
const environment = celEnv({
  re2: {
    compile(pattern) {
      const known = matchers.get(pattern) ?? RE2JS.compile(pattern);
      matchers.set(pattern, known);
      return known;
    },
  },
});

/** Parses and checks a CEL expression over `tool, service, arguments, context, proposer`. */
export function compileExpression(text: string): ExpressionResult {
  if (text.length > LONGEST_EXPRESSION) {
    return refuse(0, `the expression is longer than ${LONGEST_EXPRESSION} characters`, 'Split it into several rules');
  }
  try {
    const parsed = parse(text);
    const positions = parsed.sourceInfo?.positions ?? {};
    const findings = checkExpression(environment, parsed.expr);
    if (findings.length > 0) {
      const problems = findings.map(({ exprId, message, fix }) => ({
        offset: positions[String(exprId)] ?? 0,
        message,
        fix,
      }));
      return { ok: false, problems };
    }
    return { ok: true, expression: createExpression(text, parsed) };
  } catch (error) {
    if (error instanceof RangeError)
      return refuse(0, 'the expression is nested too deeply', 'Split it into several rules');
    const { offset, found } = readSyntaxError(error);
    return refuse(
      offset,
      `this is not a CEL expression: ${found}`,
      'Example: tool == "payouts.create" && arguments.amount > 100',
    );
  }
}

/** JSON as CEL sees it: whole numbers are `int`, others `double`, objects are maps. */
export function prepareInput(values: {
  readonly tool: string;
  readonly service: string;
  readonly arguments: JsonObject;
  readonly context: JsonObject;
  readonly proposer: string;
}): ExpressionInput {
  const bindings = Object.fromEntries(
    [...VARIABLES.keys()].map((name) => [name, toCel(values[name as keyof typeof values])]),
  );
  return { bindings, size: measureInput(Object.values(values)) };
}

function createExpression(text: string, parsed: ReturnType<typeof parse>): Expression {
  const run = plan(environment, parsed);
  const guards = conjunctsOf(parsed.expr).filter((part) => looksOnlyAt(part, ['tool', 'service']));
  return {
    text,
    uses: argumentUses(parsed.expr),
    evaluate({ bindings, size }) {
      if (boundSteps(parsed.expr, size) > MAX_STEPS)
        return { ok: false, error: 'the arguments are too large for this expression' };
      const result = run(bindings);
      if (isCelError(result)) return { ok: false, error: result.message };
      return typeof result === 'boolean'
        ? { ok: true, value: result }
        : { ok: false, error: 'the result is not true or false' };
    },
    concerns(tool, service) {
      return guards.every((guard) => plan(environment, guard)({ tool, service }) !== false);
    },
  };
}

function toCel(value: Json): CelInput {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(toCel);
  return new Map(Object.entries(value).map(([key, part]) => [key, toCel(part)]));
}

/** `a && b && c` → a, b, c. */
function conjunctsOf(expr: Expr): readonly Expr[] {
  const { exprKind: node } = expr;
  return node.case === 'callExpr' && node.value.function === '_&&_' ? node.value.args.flatMap(conjunctsOf) : [expr];
}

function looksOnlyAt(expr: Expr, names: readonly string[]): boolean {
  const { exprKind: node } = expr;
  if (node.case === 'comprehensionExpr') return false;
  if (node.case === 'identExpr') return names.includes(node.value.name);
  return childrenOf(expr).every((part) => looksOnlyAt(part, names));
}

function refuse(offset: number, message: string, fix: string): ExpressionResult {
  return { ok: false, problems: [{ offset, message, fix }] };
}

/** The library's parser tells where it stopped and what stood there. */
function readSyntaxError(error: unknown): { offset: number; found: string } {
  const { location, rawMessage } = error as { location?: { start?: { offset?: number } }; rawMessage?: string };
  const offset = location?.start?.offset ?? 0;
  const found = (rawMessage ?? (error instanceof Error ? error.message : 'unreadable')).split(' but expecting')[0];
  return { offset, found: (found ?? 'unreadable').replace(/^<input>:\d+:\d+: /, '') };
}

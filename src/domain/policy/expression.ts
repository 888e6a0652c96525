import { celEnv, parse } from '@bufbuild/cel';
import type { Urgency } from '../../contract/call.ts';
import type { JsonObject } from '../../contract/json.ts';
import { pointerStep } from '../../contract/pointer.ts';
import { argumentUses, reachableParts, readUse, ROOTS, truthFor, type ValuePath } from './cel-reads.ts';
import { Budget, Dict, EvaluationError, Evaluation, type EvaluationCode, type Value } from './cel-values.ts';
import { checkExpression } from './cel-check.ts';
import { compileTree, type Evaluate } from './cel-evaluate.ts';
import { namedTools } from './cel-tree.ts';
import type { Folds } from './schema.ts';

/** A condition of the policy file (CEL), parsed and checked once. */
export interface Expression {
  readonly text: string;
  /** Never throws. What is not plainly true or false is an error, and the caller decides what that means. */
  evaluate(input: ExpressionInput): Verdict;
  /** False: its answer is the same with any context and any urgency. */
  readonly readsCallersWord: boolean;
  /** Tools that its text names: `tool == "…"`, `tool in ["…"]`. */
  readonly tools: ReadonlySet<string>;
  /** Places that it may look at in a call of one tool. */
  usesFor(tool: string, service: string, root: 'arguments' | 'context'): readonly ValuePath[];
  /** As {@link usesFor}, over all that a caller says: JSON Pointers such as `/arguments/amount`, `/context/env`, `/urgency`. */
  readsOf(tool: string, service: string): readonly string[];
  /** What it is for every call of one tool; undefined: it depends on the call. */
  holdsFor(tool: string, service: string): boolean | undefined;
  /** False where its own text rules this tool out, e.g. `tool == "another" && …`. */
  concerns(tool: string, service: string): boolean;
}

type Verdict =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly error: string; readonly code: EvaluationCode };

/** What expressions see of one call. */
export interface ExpressionInput {
  readonly variables: Readonly<Record<string, Value>>;
  readonly evaluation: Evaluation;
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

const environment = celEnv();

/** Parses and checks a CEL expression; `variables`: what it may name, by default those of a call. */
export function compileExpression(
  text: string,
  variables?: ReadonlyMap<string, string>,
  example = 'tool == "payouts.create" && arguments.amount > 100',
): ExpressionResult {
  if (text.length > LONGEST_EXPRESSION) {
    return refuse(0, `the expression is longer than ${LONGEST_EXPRESSION} characters`, 'Split it into several rules');
  }
  try {
    const parsed = parse(text);
    const positions = parsed.sourceInfo?.positions ?? {};
    const findings = checkExpression(environment, parsed.expr, variables);
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
    return refuse(offset, `this is not a CEL expression: ${found}`, `Example: ${example}`);
  }
}

/** A budget that several inputs share: it is one for all that is asked about a call. */
export function createEvaluation(): Evaluation {
  return new Evaluation(new Budget());
}

/** The call as conditions see it. `folds`: where the tool's schema says `fold: ascii`. */
export function prepareInput(
  values: {
    readonly tool: string;
    readonly service: string;
    readonly arguments: JsonObject;
    readonly context: JsonObject;
    readonly proposer: string;
    readonly urgency?: Urgency | undefined;
  },
  folds?: Folds,
  evaluation = createEvaluation(),
): ExpressionInput {
  const { tool, service, proposer, urgency = 'normal' } = values;
  const variables = {
    tool,
    service,
    proposer,
    urgency,
    arguments: Dict.ofJson(values.arguments, folds),
    context: Dict.ofJson(values.context, undefined, true),
  };
  return { variables, evaluation };
}

function createExpression(text: string, { expr }: ReturnType<typeof parse>): Expression {
  const run = compileTree(environment, expr);
  const guards = new Map<typeof expr, Evaluate>();
  const evaluateGuard = (guard: typeof expr, tool: string, service: string): Value => {
    const compiled = guards.get(guard) ?? compileTree(environment, guard);
    guards.set(guard, compiled);
    return compiled({ tool, service }, createEvaluation());
  };
  const decide = (part: typeof expr, tool: string, service: string): boolean | undefined =>
    truthFor(part, (guard) => evaluateGuard(guard, tool, service));
  const reachable = (tool: string, service: string): readonly (typeof expr)[] =>
    reachableParts(expr, (part) => decide(part, tool, service));
  /** Once for each tool: a rule that fires for every call would find them again each time. */
  const reads = new Map<string, readonly string[]>();
  const findReads = (tool: string, service: string): readonly string[] => {
    const parts = reachable(tool, service);
    const read = ROOTS.flatMap((root) =>
      parts.flatMap((part) => argumentUses(part, root)).map((use) => [root, ...readUse(use).path]),
    );
    return [...new Set(read.map((path) => path.map(pointerStep).join('')))];
  };
  return {
    text,
    readsCallersWord: argumentUses(expr, 'context').length > 0 || argumentUses(expr, 'urgency').length > 0,
    tools: namedTools(expr),
    evaluate({ variables, evaluation }) {
      try {
        const result = run(variables, evaluation);
        if (typeof result === 'boolean') return { ok: true, value: result };
        return { ok: false, error: 'the result is not true or false', code: 'rule_error' };
      } catch (error) {
        if (error instanceof EvaluationError) return { ok: false, error: error.message, code: error.code };
        // Nested beyond the stack, say. What cannot be judged is never a no.
        return { ok: false, error: 'the call cannot be judged', code: 'rule_error' };
      }
    },
    readsOf(tool, service) {
      const key = JSON.stringify([service, tool]);
      const known = reads.get(key) ?? findReads(tool, service);
      reads.set(key, known);
      return known;
    },
    usesFor: (tool, service, root) => reachable(tool, service).flatMap((part) => argumentUses(part, root)),
    holdsFor: (tool, service) => decide(expr, tool, service),
    concerns: (tool, service) => decide(expr, tool, service) !== false || reachable(tool, service).length > 0,
  };
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

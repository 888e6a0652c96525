import { EvaluationError } from './cel-cost.ts';
import { conjunctsOf, isStatic, type Expr } from './cel-tree.ts';
import type { Value } from './cel-values.ts';

/** The value of a part that looks at nothing but tool and service. */
type EvaluateGuard = (guard: Expr) => Value;

/** What an expression is for one tool, as far as that alone decides it; undefined: it depends on the call. */
export function truthFor(expr: Expr, evaluate: EvaluateGuard): boolean | undefined {
  if (isStatic(expr)) {
    try {
      const value = evaluate(expr);
      return typeof value === 'boolean' ? value : undefined;
    } catch (error) {
      if (error instanceof EvaluationError) return undefined;
      throw error;
    }
  }
  const { exprKind: node } = expr;
  if (node.case !== 'callExpr') return undefined;
  const truths = (parts: readonly Expr[]): readonly (boolean | undefined)[] =>
    parts.map((part) => truthFor(part, evaluate));
  switch (node.value.function) {
    case '_&&_':
      return truths(conjunctsOf(expr)).includes(false) ? false : undefined;
    case '_||_': {
      const parts = truths(conjunctsOf(expr, '_||_'));
      if (parts.includes(true)) return true;
      return parts.every((part) => part === false) ? false : undefined;
    }
    case '!_': {
      const [operand] = truths(node.value.args);
      return operand === undefined ? undefined : !operand;
    }
    case '_?_:_': {
      const [condition, then, otherwise] = truths(node.value.args);
      if (condition === undefined) return then === otherwise ? then : undefined;
      return condition ? then : otherwise;
    }
    default:
      return undefined;
  }
}

/** Parts of an expression that are evaluated for a tool: what its guards rule out for that tool is left out. */
export function reachableParts(expr: Expr, decide: (part: Expr) => boolean | undefined): readonly Expr[] {
  const { exprKind: node } = expr;
  if (isStatic(expr)) return [];
  if (node.case !== 'callExpr') return [expr];
  const within = (parts: readonly Expr[]): readonly Expr[] => parts.flatMap((part) => reachableParts(part, decide));
  switch (node.value.function) {
    case '_&&_':
    case '_||_': {
      const stop = node.value.function === '_||_';
      const parts = conjunctsOf(expr, node.value.function);
      return parts.some((part) => isStatic(part) && decide(part) === stop) ? [] : within(parts);
    }
    case '!_':
      return within(node.value.args);
    case '_?_:_': {
      const [condition, then, otherwise] = node.value.args as [Expr, Expr, Expr];
      const truth = isStatic(condition) ? decide(condition) : undefined;
      if (truth === undefined) return within([condition, then, otherwise]);
      return within([truth ? then : otherwise]);
    }
    default:
      return [expr];
  }
}

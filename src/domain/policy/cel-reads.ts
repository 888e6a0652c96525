import {
  childrenOf,
  conjunctsOf,
  isStatic,
  literalText,
  operandOf,
  operandsOf,
  partsOf,
  type Expr,
} from './cel-tree.ts';
import { EvaluationError, type Value } from './cel-values.ts';

/** A place in the arguments (or the context) that an expression looks at; the empty path is all of them. */
export type ValuePath = readonly string[];

/** What a caller says of a call, as conditions name it. */
export const ROOTS = ['arguments', 'context', 'urgency'] as const;
type Root = (typeof ROOTS)[number];

/** Every place under a root that an expression may look at. What cannot be told counts as the whole above it. */
export function argumentUses(expr: Expr, root: Root = 'arguments'): readonly ValuePath[] {
  const path = pathOf(expr, root) ?? keyTestedBy(expr, root) ?? sizedBy(expr, root);
  if (path !== undefined) return [path];
  const { exprKind: node } = expr;
  const within = (parts: readonly Expr[]): readonly ValuePath[] => parts.flatMap((part) => argumentUses(part, root));
  if (node.case === 'comprehensionExpr' && [node.value.iterVar, node.value.iterVar2].includes(root)) {
    const { range, init } = partsOf(node.value);
    return within([range, init]);
  }
  return within(childrenOf(expr));
}

/**
 * `has(arguments.a)` looks at whether there is an `a`, and at nothing in it; `size(arguments.a)` not at its text. No key of
 * a schema is spelt like these.
 */
const PRESENCE = '\u0000has';
const SIZE = '\u0000size';

/** `arguments.a["b"]` → `['a', 'b']`. */
function pathOf(expr: Expr, root: Root): ValuePath | undefined {
  const { exprKind: node } = expr;
  if (node.case === 'identExpr') return node.value.name === root ? [] : undefined;
  if (node.case === 'selectExpr') {
    const path = below(pathOf(operandOf(node.value), root), node.value.field);
    return path !== undefined && node.value.testOnly ? [...path, PRESENCE] : path;
  }
  if (node.case !== 'callExpr' || node.value.function !== '_[_]') return undefined;
  const [container, key] = operandsOf(node.value);
  return container === undefined ? undefined : below(pathOf(container, root), literalText(key));
}

/** `"b" in arguments.a` → as `has(arguments.a.b)`. */
function keyTestedBy({ exprKind: node }: Expr, root: Root): ValuePath | undefined {
  if (node.case !== 'callExpr' || node.value.function !== '@in') return undefined;
  const [key, container] = operandsOf(node.value);
  const path = container === undefined ? undefined : below(pathOf(container, root), literalText(key));
  return path === undefined ? undefined : [...path, PRESENCE];
}

function sizedBy({ exprKind: node }: Expr, root: Root): ValuePath | undefined {
  if (node.case !== 'callExpr' || node.value.function !== 'size') return undefined;
  const [value] = operandsOf(node.value);
  const path = value === undefined ? undefined : pathOf(value, root);
  return path === undefined || path.length === 0 ? path : [...path, SIZE];
}

function below(above: ValuePath | undefined, key: string | undefined): ValuePath | undefined {
  return above === undefined || key === undefined ? undefined : [...above, key];
}

/** A use without its mark, and what it looks at there. */
export function readUse(use: ValuePath): {
  readonly path: ValuePath;
  readonly looksAt: 'presence' | 'size' | 'value';
} {
  const mark = use.at(-1);
  const looksAt = mark === PRESENCE ? 'presence' : mark === SIZE ? 'size' : 'value';
  return { path: looksAt === 'value' ? use : use.slice(0, -1), looksAt };
}

/** One of the two lies in the other, or they are the same place. */
export function overlaps(a: ValuePath, b: ValuePath): boolean {
  return a.slice(0, b.length).every((key, index) => key === b[index]);
}

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

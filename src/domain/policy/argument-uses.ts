import { childrenOf, literalText, operandOf, operandsOf, partsOf, type Expr } from './cel-tree.ts';

/** A place in the arguments (or the context) that an expression looks at; the empty path is all of them. */
export type ValuePath = readonly string[];

type Root = 'arguments' | 'context';

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

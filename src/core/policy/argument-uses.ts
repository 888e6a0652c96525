import { childrenOf, literalText, operandOf, operandsOf, partsOf, type Expr } from './cel-tree.ts';

/** A place in the arguments that an expression looks at; the empty path is all of them. */
export type ArgumentPath = readonly string[];

/** Every place in the arguments that an expression may look at. What cannot be told counts as the whole above it. */
export function argumentUses(expr: Expr): readonly ArgumentPath[] {
  const path = pathOf(expr) ?? keyTestedBy(expr);
  if (path !== undefined) return [path];
  const { exprKind: node } = expr;
  if (node.case === 'comprehensionExpr' && [node.value.iterVar, node.value.iterVar2].includes('arguments')) {
    const { range, init } = partsOf(node.value);
    return [range, init].flatMap(argumentUses);
  }
  return childrenOf(expr).flatMap(argumentUses);
}

/** `has(arguments.a)` looks at whether there is an `a`, and at nothing in it. No key of a schema is spelt like this. */
const PRESENCE = '\u0000has';

/** `arguments.a["b"]` → `['a', 'b']`. */
function pathOf(expr: Expr): ArgumentPath | undefined {
  const { exprKind: node } = expr;
  if (node.case === 'identExpr') return node.value.name === 'arguments' ? [] : undefined;
  if (node.case === 'selectExpr') {
    const path = below(pathOf(operandOf(node.value)), node.value.field);
    return path !== undefined && node.value.testOnly ? [...path, PRESENCE] : path;
  }
  if (node.case !== 'callExpr' || node.value.function !== '_[_]') return undefined;
  const [container, key] = operandsOf(node.value);
  return container === undefined ? undefined : below(pathOf(container), literalText(key));
}

/** `"b" in arguments.a` → `['a', 'b']`. */
function keyTestedBy({ exprKind: node }: Expr): ArgumentPath | undefined {
  if (node.case !== 'callExpr' || node.value.function !== '@in') return undefined;
  const [key, container] = operandsOf(node.value);
  return container === undefined ? undefined : below(pathOf(container), literalText(key));
}

function below(above: ArgumentPath | undefined, key: string | undefined): ArgumentPath | undefined {
  return above === undefined || key === undefined ? undefined : [...above, key];
}

/** `has(arguments.name)`. */
export function isPresenceOf(use: ArgumentPath, name: string): boolean {
  return use[0] === name && use[1] === PRESENCE;
}

/** One of the two lies in the other, or they are the same place. */
export function overlaps(a: ArgumentPath, b: ArgumentPath): boolean {
  return a.slice(0, b.length).every((key, index) => key === b[index]);
}

import type { Json } from '../../contract/json.ts';
import { childrenOf, elementsOf, isLiteral, operandsOf, partsOf, type CallExpr, type Expr } from './cel-tree.ts';

/** How large the values are that an expression looks at. */
export interface InputSize {
  /** Values of any kind, all levels together. */
  readonly nodes: number;
  /** Elements of the longest list or map. */
  readonly longest: number;
  /** Characters of the longest text. */
  readonly text: number;
}

/** Steps of about half a microsecond that one evaluation may take; more is an error, and an error is never lenient. */
export const MAX_STEPS = 300_000;

export function measureInput(values: readonly Json[]): InputSize {
  const size = { nodes: 0, longest: 0, text: 0 };
  const visit = (value: Json): void => {
    size.nodes += 1;
    if (typeof value === 'string') size.text = Math.max(size.text, value.length);
    if (typeof value !== 'object' || value === null) return;
    const parts = Object.values(value);
    size.longest = Math.max(size.longest, parts.length);
    parts.forEach(visit);
  };
  values.forEach(visit);
  return size;
}

/**
 * An upper bound of the steps an evaluation takes on input of a size: loops multiply by the longest list, comparing
 * and searching count what they may have to look at. The proposer chooses the input, so it is bounded before it runs.
 */
export function boundSteps(expr: Expr, size: InputSize): number {
  const { exprKind: node } = expr;
  if (node.case === 'comprehensionExpr') {
    const { range, init, condition, step, result } = partsOf(node.value);
    const round = 1 + boundSteps(condition, size) + boundSteps(step, size);
    const around = boundSteps(range, size) + boundSteps(init, size) + boundSteps(result, size);
    return 1 + around + elementCount(range, size) * round;
  }
  const below = childrenOf(expr).reduce((sum, part) => sum + boundSteps(part, size), 0);
  return 1 + below + (node.case === 'callExpr' ? ownSteps(node.value, size) : 0);
}

function ownSteps(call: CallExpr, size: InputSize): number {
  const operands = operandsOf(call);
  switch (call.function) {
    case '_&&_':
    case '_||_':
    case '_?_:_':
    case '_[_]':
    case '!_':
    case '@not_strictly_false':
      return 0;
    case '_==_':
    case '_!=_':
      return operands.some(isLiteral) ? 0 : size.nodes;
    case '@in':
      return elementCount(operands[1] ?? operands[0], size);
    case 'matches':
      return size.text;
    default:
      return operands.every(isLiteral) ? 0 : size.text / 16;
  }
}

/** Elements that the value of an expression can have. */
function elementCount(expr: Expr | undefined, size: InputSize): number {
  if (expr === undefined) return size.longest;
  const { exprKind: node } = expr;
  if (node.case === 'listExpr' || node.case === 'structExpr') return elementsOf(expr).length;
  if (node.case === 'comprehensionExpr') return elementCount(partsOf(node.value).range, size);
  if (node.case === 'callExpr' && (node.value.function === '_+_' || node.value.function === '_?_:_')) {
    return operandsOf(node.value).reduce((sum, part) => sum + elementCount(part, size), 0);
  }
  return size.longest;
}

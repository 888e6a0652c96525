import type { parse } from '@bufbuild/cel';

/** The library's syntax tree (cel-spec `Expr`), which it does not export by name. */
export type Expr = ReturnType<typeof parse>['expr'];
export type CallExpr = Extract<Expr['exprKind'], { case: 'callExpr' }>['value'];
export type Comprehension = Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value'];

/** A missing part of a tree cannot come from the parser; it would be refused by the checks as an empty expression. */
export const NOTHING: Expr = { $typeName: 'cel.expr.Expr', id: 0n, exprKind: { case: undefined } } as Expr;

/** Target (if any) and arguments of a call, in order. */
export function operandsOf(call: CallExpr): readonly Expr[] {
  return call.target === undefined ? call.args : [call.target, ...call.args];
}

export interface ComprehensionParts {
  readonly range: Expr;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}
export function partsOf(node: Comprehension): ComprehensionParts {
  return {
    range: node.iterRange ?? NOTHING,
    init: node.accuInit ?? NOTHING,
    condition: node.loopCondition ?? NOTHING,
    step: node.loopStep ?? NOTHING,
    result: node.result ?? NOTHING,
  };
}

export function operandOf(select: { readonly operand?: Expr | undefined }): Expr {
  return select.operand ?? NOTHING;
}

/** Parts of a list, a map or a message. */
export function elementsOf(expr: Expr): readonly Expr[] {
  const { exprKind: node } = expr;
  if (node.case === 'listExpr') return node.value.elements;
  if (node.case !== 'structExpr') return [];
  return node.value.entries.flatMap(({ keyKind, value }) => [
    ...(keyKind.case === 'mapKey' ? [keyKind.value] : []),
    ...(value === undefined ? [] : [value]),
  ]);
}

/** The text of a text literal. */
export function literalText(expr: Expr | undefined): string | undefined {
  if (expr?.exprKind.case !== 'constExpr') return undefined;
  const { constantKind } = expr.exprKind.value;
  return constantKind.case === 'stringValue' ? constantKind.value : undefined;
}

/** Direct parts of an expression, whatever it is. */
export function childrenOf(expr: Expr): readonly Expr[] {
  const { exprKind: node } = expr;
  switch (node.case) {
    case 'selectExpr':
      return [operandOf(node.value)];
    case 'callExpr':
      return operandsOf(node.value);
    case 'comprehensionExpr':
      return Object.values(partsOf(node.value));
    case 'listExpr':
    case 'structExpr':
      return elementsOf(expr);
    case 'constExpr':
    case 'identExpr':
    case undefined:
      return [];
  }
}

/** `a && b && c` → a, b, c; with `_||_` the same of `||`. */
export function conjunctsOf(expr: Expr, operator: '_&&_' | '_||_' = '_&&_'): readonly Expr[] {
  const { exprKind: node } = expr;
  return node.case === 'callExpr' && node.value.function === operator
    ? node.value.args.flatMap((part) => conjunctsOf(part, operator))
    : [expr];
}

/** Looks at nothing but tool and service, so its value is the same for every call of a tool. */
export function isStatic(expr: Expr): boolean {
  const { exprKind: node } = expr;
  if (node.case === 'comprehensionExpr') return false;
  if (node.case === 'identExpr') return node.value.name === 'tool' || node.value.name === 'service';
  return childrenOf(expr).every(isStatic);
}

/** Tools that an expression names: `tool == "a"`, `tool in ["a", "b"]`. */
export function namedTools(expr: Expr): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (part: Expr): void => {
    const { exprKind: node } = part;
    if (node.case === 'callExpr' && ['_==_', '@in'].includes(node.value.function)) {
      const operands = operandsOf(node.value);
      if (operands.some(({ exprKind: of }) => of.case === 'identExpr' && of.value.name === 'tool')) {
        const texts = operands.flatMap((operand) => [operand, ...elementsOf(operand)]).map(literalText);
        for (const text of texts) if (text !== undefined) names.add(text);
      }
    }
    childrenOf(part).forEach(visit);
  };
  visit(expr);
  return names;
}

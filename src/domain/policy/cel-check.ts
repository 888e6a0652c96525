import type { CelEnv, CelFunc } from '@bufbuild/cel';
import { RE2JS } from '@bufbuild/re2';
import { findNearest } from '../files/nearest.ts';
import { elementsOf, literalText, operandOf, operandsOf, partsOf, type CallExpr, type Expr } from './cel-tree.ts';

/** Name of a CEL type, or `dyn` where only the value will tell. */
type Kind = string;
type Scope = ReadonlyMap<string, Kind>;

export interface ExpressionFinding {
  /** Id of the part of the expression; the parser knows where it stands. */
  readonly exprId: bigint;
  readonly message: string;
  readonly fix: string;
}

/** What an expression may name, and what each is. */
export const VARIABLES: Scope = new Map([
  ['tool', 'string'],
  ['service', 'string'],
  ['arguments', 'map'],
  ['context', 'map'],
  ['proposer', 'string'],
  ['urgency', 'string'],
]);
const TYPE_NAMES = new Set(['bool', 'bytes', 'double', 'int', 'list', 'map', 'null_type', 'string', 'type', 'uint']);
const NUMBERS = new Set(['int', 'uint', 'double']);
const MACROS = ['has', 'all', 'exists', 'exists_one', 'filter', 'map'];
const LONGEST_PATTERN = 500;

/**
 * Type-checks an expression as far as its text tells: unknown names and functions, wrong numbers and kinds of operands,
 * comparisons that can never hold, a result that is not true or false. Signatures are the library's own.
 */
export function checkExpression(env: CelEnv, root: Expr, variables = VARIABLES): readonly ExpressionFinding[] {
  const findings: ExpressionFinding[] = [];
  const find = (expr: Expr, message: string, fix: string): Kind => {
    findings.push({ exprId: expr.id, message, fix });
    return 'dyn';
  };

  const infer = (expr: Expr, scope: Scope): Kind => {
    const { exprKind: node } = expr;
    switch (node.case) {
      case 'constExpr':
        return kindOfLiteral(node.value.constantKind.case);
      case 'identExpr':
        return inferName(expr, node.value.name, scope);
      case 'selectExpr': {
        const kind = infer(operandOf(node.value), scope);
        if (kind !== 'dyn' && kind !== 'map') {
          find(
            expr,
            `"${node.value.field}" cannot be taken from a value of type ${kind}`,
            'Only arguments, context and their values have fields',
          );
        }
        return node.value.testOnly ? 'bool' : 'dyn';
      }
      case 'listExpr':
      case 'structExpr':
        elementsOf(expr).forEach((part) => infer(part, scope));
        if (node.case === 'listExpr') return 'list';
        return node.value.messageName === ''
          ? 'map'
          : find(expr, 'messages cannot be built here', 'Use maps: {"key": value}');
      case 'comprehensionExpr': {
        const parts = partsOf(node.value);
        const range = infer(parts.range, scope);
        if (['tool', 'service'].includes(node.value.iterVar)) {
          find(expr, `a macro cannot use ${node.value.iterVar} as its variable`, 'Use another variable name');
        }
        if (!['dyn', 'list', 'map'].includes(range))
          find(expr, `a value of type ${range} has no elements`, 'Use a list or a map');
        const inner = new Map(scope)
          .set(node.value.iterVar, 'dyn')
          .set(node.value.iterVar2, 'dyn')
          .set(node.value.accuVar, infer(parts.init, scope));
        for (const part of [parts.condition, parts.step]) infer(part, inner);
        return infer(parts.result, inner);
      }
      case 'callExpr':
        return inferCall(expr, node.value, scope);
      case undefined:
        return find(expr, 'the expression is empty', 'Write a condition, or "true" for always');
    }
  };

  const inferName = (expr: Expr, name: string, scope: Scope): Kind => {
    const known = scope.get(name);
    if (known !== undefined) return known;
    if (TYPE_NAMES.has(name)) return 'type';
    const nearest = findNearest(name, scope.keys());
    const fix =
      nearest === undefined
        ? `Known names: ${[...variables.keys()].join(', ')}; put text in quotes: '${name}'`
        : `Did you mean ${nearest}?`;
    return find(expr, `unknown name ${name}`, fix);
  };

  const inferCall = (expr: Expr, call: CallExpr, scope: Scope): Kind => {
    const kinds = operandsOf(call).map((part) => infer(part, scope));
    const shown = operatorOf(call.function);
    const special = inferSpecial(call.function, kinds);
    if (special !== undefined) {
      return special === 'wrong'
        ? find(expr, `${shown} cannot be applied to ${kinds.join(' and ')}`, 'Both sides must be conditions')
        : special;
    }
    const overloads = [...(env.funcs.find(call.function) ?? [])];
    if (overloads.length === 0) {
      const names = new Set([
        ...MACROS,
        ...[...env.funcs].map((func) => func.name).filter((name) => /^[a-z]/i.test(name)),
      ]);
      const nearest = findNearest(call.function, names);
      return find(
        expr,
        `unknown function ${call.function}`,
        nearest === undefined ? `Known functions: ${[...names].join(', ')}` : `Did you mean ${nearest}?`,
      );
    }
    const fitting = overloads.filter((overload) => fits(overload, call, kinds));
    if (fitting.length === 0)
      return find(
        expr,
        `${shown} cannot be applied to ${kinds.join(' and ') || 'nothing'}`,
        'Convert one side with int(), double() or string(), or compare values of the same type',
      );
    checkEquality(expr, call, kinds);
    checkPattern(expr, call);
    const results = new Set(fitting.map((overload) => overload.result.name));
    return results.size === 1 ? ([...results][0] ?? 'dyn') : 'dyn';
  };

  const checkEquality = (expr: Expr, call: CallExpr, [left = 'dyn', right = 'dyn']: readonly Kind[]): void => {
    if (call.function !== '_==_' && call.function !== '_!=_') return;
    const comparable = left === right || [left, right].includes('dyn') || (NUMBERS.has(left) && NUMBERS.has(right));
    if (!comparable) find(expr, `${left} and ${right} are never equal`, 'Compare values of the same type');
  };

  const checkPattern = (expr: Expr, call: CallExpr): void => {
    if (call.function !== 'matches') return;
    const pattern = literalText(call.args.at(-1));
    if (pattern === undefined || pattern.length > LONGEST_PATTERN) {
      find(
        expr,
        'the pattern of matches must be a literal text',
        `Write the pattern itself, at most ${LONGEST_PATTERN} characters`,
      );
      return;
    }
    const refusal = refusePattern(pattern);
    if (refusal !== undefined)
      find(expr, `invalid pattern: ${refusal}`, 'Use RE2 syntax: no look-around, no back-references');
  };

  const kind = infer(root, variables);
  if (kind !== 'bool' && kind !== 'dyn')
    find(
      root,
      `the condition is ${kind === 'string' ? 'text' : `of type ${kind}`}, not true or false`,
      'Compare it with something: ==, <, in …',
    );
  return findings;
}

/** Why RE2 (linear time, whatever the input) does not take a pattern. */
export function refusePattern(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'unreadable';
  }
}

/** Whether a key fits a pattern of a schema, which was accepted. */
export function matchesPatternOf(pattern: string, key: string): boolean {
  return refusePattern(pattern) === undefined && RE2JS.compile(pattern).test(key);
}

function inferSpecial(name: string, kinds: readonly Kind[]): Kind | 'wrong' | undefined {
  const [first = 'dyn', second = 'dyn', third = 'dyn'] = kinds;
  switch (name) {
    case '_&&_':
    case '_||_':
      return kinds.every((kind) => kind === 'bool' || kind === 'dyn') ? 'bool' : 'wrong';
    case '_?_:_':
      if (first !== 'bool' && first !== 'dyn') return 'wrong';
      return second === third ? second : 'dyn';
    case '_[_]':
      return ['dyn', 'list', 'map'].includes(first) ? 'dyn' : 'wrong';
    case '@not_strictly_false':
      return 'bool';
    case 'dyn':
      return 'dyn';
    default:
      return undefined;
  }
}

function fits(overload: CelFunc, call: CallExpr, kinds: readonly Kind[]): boolean {
  if ((overload.target === undefined) !== (call.target === undefined)) return false;
  const wanted = [...(overload.target === undefined ? [] : [overload.target]), ...overload.arguments];
  return (
    wanted.length === kinds.length &&
    wanted.every((type, index) => type.name === 'dyn' || kinds[index] === 'dyn' || type.name === kinds[index])
  );
}

function kindOfLiteral(literal: string | undefined): Kind {
  const kinds: Readonly<Record<string, Kind>> = {
    boolValue: 'bool',
    bytesValue: 'bytes',
    doubleValue: 'double',
    int64Value: 'int',
    nullValue: 'null_type',
    stringValue: 'string',
    uint64Value: 'uint',
  };
  return kinds[literal ?? ''] ?? 'dyn';
}

/** `_&&_` → `&&`, `@in` → `in`. */
function operatorOf(name: string): string {
  return name.replace(/^@/, '').replaceAll('_', '') || name;
}

import { isCelError, parse, plan, type CelEnv, type CelInput } from '@bufbuild/cel';
import { RE2JS } from '@bufbuild/re2';
import { EvaluationError } from './cel-cost.ts';
import { numberOf, pairOf } from './cel-compare.ts';
import type { CallExpr, Expr } from './cel-tree.ts';
import { Dict, FoldedText, isText, KeyText, List, textOf, toLibrary } from './cel-values.ts';
import type { Session, Value } from './cel-values.ts';
import { foldAscii } from './fold.ts';
import { skeletonOf } from './spelling.ts';

/** A function or an operator, ready for its operands: the target, if it is a method, and the arguments. */
export type Run = (operands: readonly Value[], session: Session) => Value;

/** Conversions read whole texts, some of them in more than linear time; nothing that they can read is longer. */
const CONVERSIONS = new Set(['int', 'uint', 'double', 'bool', 'timestamp', 'duration']);
const LONGEST_CONVERTED = 100;

type Native = (operands: readonly Value[], session: Session) => Value | undefined;

/** What no overload takes is an error. */
export function compileFunction(env: CelEnv, call: Pick<CallExpr, 'function' | 'target' | 'args'>): Run {
  const { function: name } = call;
  const native = NATIVE.get(name);
  const runLibrary = planFunction(env, call);
  return (operands, session) => {
    const result = native?.(operands, session);
    if (result !== undefined) return result;
    const lengths = operands.map((value) => (isText(value) ? textOf(value).length : 0));
    session.budget.charge(lengths.reduce((sum, length) => sum + length / 64, 0));
    if (CONVERSIONS.has(name) && lengths.some((length) => length > LONGEST_CONVERTED)) {
      throw new EvaluationError(`a text is too long for ${name}()`);
    }
    return runLibrary(operands);
  };
}

const ANY = parse('true').expr;

/** The library's own function, planned once with a variable in place of each operand. */
function planFunction(
  env: CelEnv,
  call: Pick<CallExpr, 'function' | 'target' | 'args'>,
): (operands: readonly Value[]) => Value {
  const nameOf = (index: number): string => `operand${index}`;
  const variable = (index: number): Expr => ({
    ...ANY,
    exprKind: { case: 'identExpr', value: { $typeName: 'cel.expr.Expr.Ident', name: nameOf(index) } },
  });
  const first = call.target === undefined ? 0 : 1;
  const value = {
    $typeName: 'cel.expr.Expr.Call',
    function: call.function,
    ...(call.target === undefined ? {} : { target: variable(0) }),
    args: call.args.map((_, index) => variable(first + index)),
  } as const;
  const run = plan(env, { ...ANY, exprKind: { case: 'callExpr', value } });
  return (operands) => {
    const bindings: Record<string, CelInput> = {};
    for (const [index, operand] of operands.entries()) bindings[nameOf(index)] = toLibrary(operand);
    const result = run(bindings);
    if (isCelError(result)) throw new EvaluationError(result.message);
    return result as Value;
  };
}

/** Comparisons of numbers are exact here; texts are folded where one of them is. All else is the library's. */
function order(test: (left: number | bigint | string, right: number | bigint | string) => boolean): Native {
  return ([left = null, right = null], session) => {
    const [a, b] = [numberOf(left), numberOf(right)];
    if (a !== undefined && b !== undefined) return test(a, b);
    if (!isText(left) || !isText(right)) return undefined;
    session.budget.charge((textOf(left).length + textOf(right).length) / 64);
    return test(...pairOf(left, right, 'value'));
  };
}

/** A search that the proposer can make as slow as both lengths multiplied. */
function search(test: (text: string, part: string) => boolean): Native {
  return ([text = null, part = null], session) => {
    if (!isText(text) || !isText(part)) return undefined;
    const [n, m] = [textOf(text).length, textOf(part).length];
    session.budget.charge((n + m) / 64 + (n * m) / 1_000);
    const found = test(...pairOf(text, part, 'part'));
    if (text instanceof KeyText) refuseOtherReading(text, found, test(skeletonOf(text.text), skeletonOf(textOf(part))));
    return found;
  };
}

/** RE2 takes time in the length of the text, times the size of the compiled pattern where no shortcut applies. */
const matches: Native = ([text = null, pattern = null], session) => {
  if (!isText(text) || typeof pattern !== 'string') return undefined;
  const value = textOf(text);
  const matcher = matcherOf(pattern, text instanceof FoldedText);
  session.budget.charge(value.length * (1 + matcher.re2().prog.numInst() / 4));
  const found = matcher.test(value);
  if (text instanceof KeyText) refuseOtherReading(text, found, matcherOf(pattern, true).test(skeletonOf(value)));
  return found;
};

/** A search in a key must not tell its spellings apart: the one that it misses may be the one that the target reads. */
function refuseOtherReading({ text }: KeyText, found: boolean, foundInSkeleton: boolean): void {
  if (found !== foundInSkeleton) {
    throw new EvaluationError(`the answer depends on how the key "${text.slice(0, 100)}" is spelt`);
  }
}

/** Patterns are literals of the policy (see `checkExpression`), so there are as many as people wrote. */
const matchers = new Map<string, RE2JS>();

function matcherOf(pattern: string, folded: boolean): RE2JS {
  const key = `${folded ? 'folded' : 'exact'} ${pattern}`;
  const known = matchers.get(key);
  if (known !== undefined) return known;
  if (folded) foldAscii(pattern);
  const made = RE2JS.compile(pattern, folded ? RE2JS.CASE_INSENSITIVE : 0);
  matchers.set(key, made);
  return made;
}

const add: Native = ([left = null, right = null], session) => {
  if (left instanceof List && right instanceof List) {
    session.budget.charge((left.size + right.size) / 4);
    const both = [left, right].flatMap((list) => Array.from({ length: list.size }, (_, index) => list.at(index)));
    return List.ofValues(both);
  }
  if (!isText(left) || !isText(right)) return undefined;
  session.budget.charge((textOf(left).length + textOf(right).length) / 64);
  const text = pairOf(left, right, 'part').join('');
  if (left instanceof FoldedText || right instanceof FoldedText) return new FoldedText(text);
  return left instanceof KeyText || right instanceof KeyText ? new KeyText(text) : text;
};

const size: Native = ([value = null]) => {
  if (value instanceof List) return BigInt(value.size);
  return value instanceof Dict ? BigInt(value.keys.length) : undefined;
};

const NATIVE: ReadonlyMap<string, Native> = new Map<string, Native>([
  ['_<_', order((a, b) => a < b)],
  ['_<=_', order((a, b) => a <= b)],
  ['_>_', order((a, b) => a > b)],
  ['_>=_', order((a, b) => a >= b)],
  ['_+_', add],
  ['size', size],
  ['contains', search((text, part) => text.includes(part))],
  ['startsWith', search((text, part) => text.startsWith(part))],
  ['endsWith', search((text, part) => text.endsWith(part))],
  ['matches', matches],
  ['dyn', ([value]) => value],
  ['string', ([value = null]) => (value instanceof FoldedText || value instanceof KeyText ? value : undefined)],
  [
    'bytes',
    ([value = null]) => {
      if (value instanceof FoldedText)
        throw new EvaluationError('bytes of an argument with fold: ascii are not folded');
      return undefined;
    },
  ],
]);

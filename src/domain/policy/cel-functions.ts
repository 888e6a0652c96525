import { isCelError, parse, plan, type CelEnv, type CelInput } from '@bufbuild/cel';
import { RE2JS } from '@bufbuild/re2';
import {
  Dict,
  EvaluationError,
  foldAscii,
  FoldedText,
  isText,
  KeyText,
  List,
  textOf,
  toLibrary,
  type Evaluation,
  type Value,
} from './cel-values.ts';
import { numberOf, pairOf } from './cel-compare.ts';
import type { CallExpr, Expr } from './cel-tree.ts';

/** A function or an operator, ready for its operands: the target, if it is a method, and the arguments. */
export type Run = (operands: readonly Value[], evaluation: Evaluation) => Value;

/** Conversions read whole texts, some of them in more than linear time; nothing that they can read is longer. */
const CONVERSIONS = new Set(['int', 'uint', 'double', 'bool', 'timestamp', 'duration']);
const LONGEST_CONVERTED = 100;
/**
 * What the library takes for a number goes further than CEL: `1,000` and `1000 USD` become NaN, which is above no limit,
 * and an empty text becomes 0.
 */
const CONVERTED: ReadonlyMap<string, RegExp> = new Map([
  ['int', /^-?[0-9]+$/],
  ['uint', /^[0-9]+$/],
  ['double', /^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/],
  ['duration', /^[+-]?[0-9.]/],
]);

/** Steps of a call of the library: it plans for any types, and a time zone is looked up each time. */
const LIBRARY_STEPS = 4;
const CONVERSION_STEPS = 30;
const TIME_ZONE_STEPS = 700;

function libraryStepsOf(name: string, operands: number): number {
  if (name.startsWith('get') && operands > 1) return TIME_ZONE_STEPS;
  return name === 'timestamp' || name === 'duration' ? CONVERSION_STEPS : LIBRARY_STEPS;
}

type Native = (operands: readonly Value[], evaluation: Evaluation) => Value | undefined;

/** What no overload takes is an error. */
export function compileFunction(env: CelEnv, call: Pick<CallExpr, 'function' | 'target' | 'args'>): Run {
  const { function: name } = call;
  const native = NATIVE.get(name);
  const runLibrary = planFunction(env, call);
  return (operands, evaluation) => {
    const result = native?.(operands, evaluation);
    if (result !== undefined) return result;
    const lengths = operands.map((value) => (isText(value) ? textOf(value).length : 0));
    evaluation.budget.charge(lengths.reduce((sum, length) => sum + length / 64, libraryStepsOf(name, operands.length)));
    if (CONVERSIONS.has(name) && lengths.some((length) => length > LONGEST_CONVERTED)) {
      throw new EvaluationError(`a text is too long for ${name}()`);
    }
    const readable = CONVERTED.get(name);
    if (operands.some((value) => isText(value) && readable?.test(textOf(value)) === false)) {
      throw new EvaluationError(`a text cannot be read by ${name}()`);
    }
    // The library takes milliseconds; CEL says seconds.
    return runLibrary(
      name === 'timestamp' ? operands.map((value) => (typeof value === 'bigint' ? value * 1_000n : value)) : operands,
    );
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
  return ([left = null, right = null], evaluation) => {
    const [a, b] = [numberOf(left), numberOf(right)];
    if (a !== undefined && b !== undefined) return test(a, b);
    if (!isText(left) || !isText(right)) return undefined;
    evaluation.budget.charge((textOf(left).length + textOf(right).length) / 64);
    const pair = pairOf(left, right, 'value');
    const found = test(...pair);
    refuseOtherReadings(left, right, found, () => test(evaluation.skeletonOf(pair[0]), evaluation.skeletonOf(pair[1])));
    return found;
  };
}

/** A search that the proposer can make as slow as both lengths multiplied. */
function search(test: (text: string, part: string) => boolean): Native {
  return ([text = null, part = null], evaluation) => {
    if (!isText(text) || !isText(part)) return undefined;
    const [n, m] = [textOf(text).length, textOf(part).length];
    evaluation.budget.charge((n + m) / 64 + (n * m) / 1_000);
    const found = test(...pairOf(text, part, 'part'));
    refuseOtherReadings(text, part, found, () =>
      test(evaluation.skeletonOf(textOf(text)), evaluation.skeletonOf(textOf(part))),
    );
    return found;
  };
}

/** RE2 takes time in the length of the text, times the size of the compiled pattern where no shortcut applies. */
const matches: Native = ([text = null, pattern = null], evaluation) => {
  if (!isText(text) || typeof pattern !== 'string') return undefined;
  const value = textOf(text);
  const matcher = matcherOf(pattern, text instanceof FoldedText);
  evaluation.budget.charge(value.length * (1 + matcher.re2().prog.numInst() / 4));
  const found = matcher.test(value);
  if (text instanceof KeyText)
    refuseOtherReading(text, found, matcherOf(pattern, true).test(evaluation.skeletonOf(value)));
  return found;
};

/** A search in a key must not tell its spellings apart: the one that it misses may be the one that the target reads. */
function refuseOtherReading({ text }: KeyText, found: boolean, foundInSkeleton: boolean): void {
  if (found !== foundInSkeleton) {
    throw new EvaluationError(`the answer depends on how the key "${text.slice(0, 100)}" is spelt`);
  }
}

function refuseOtherReadings(left: Value, right: Value, found: boolean, findInSkeletons: () => boolean): void {
  const key = [left, right].find((value) => value instanceof KeyText);
  if (key !== undefined) refuseOtherReading(key, found, findInSkeletons());
}

/** Turns off what a folded text is searched with, so that `(?-i)PROD` would never be found in it. */
const EXACT_CASE = /\(\?[a-zA-Z]*-[a-zA-Z]*i/;

/** Patterns are literals of the policy (see `checkExpression`), so there are as many as people wrote. */
const matchers = new Map<string, RE2JS>();

function matcherOf(pattern: string, folded: boolean): RE2JS {
  const key = `${folded ? 'folded' : 'exact'} ${pattern}`;
  const known = matchers.get(key);
  if (known !== undefined) return known;
  if (folded) {
    foldAscii(pattern);
    if (EXACT_CASE.test(pattern)) throw new EvaluationError('a folded text is searched with (?-i)');
  }
  const made = RE2JS.compile(pattern, folded ? RE2JS.CASE_INSENSITIVE : 0);
  matchers.set(key, made);
  return made;
}

const add: Native = ([left = null, right = null], evaluation) => {
  if (left instanceof List && right instanceof List) {
    evaluation.budget.charge((left.size + right.size) / 4);
    const both = [left, right].flatMap((list) => Array.from({ length: list.size }, (_, index) => list.at(index)));
    return List.ofValues(both);
  }
  if (!isText(left) || !isText(right)) return undefined;
  evaluation.budget.charge((textOf(left).length + textOf(right).length) / 64);
  const text = pairOf(left, right, 'part').join('');
  if (left instanceof FoldedText || right instanceof FoldedText) return new FoldedText(text);
  return left instanceof KeyText || right instanceof KeyText ? new KeyText(text) : text;
};

const size: Native = ([value = null], evaluation) => {
  if (value instanceof List) return BigInt(value.size);
  if (!(value instanceof Dict)) return undefined;
  evaluation.budget.charge(value.keys.length / 4);
  return BigInt(value.keys.length);
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
      if (value instanceof FoldedText || value instanceof KeyText)
        throw new EvaluationError('bytes of a key, or of an argument with fold: ascii, are not folded');
      return undefined;
    },
  ],
]);

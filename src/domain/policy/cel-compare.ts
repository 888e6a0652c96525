import { isCelUint } from '@bufbuild/cel';
import {
  Dict,
  EvaluationError,
  familyOf,
  foldAscii,
  FoldedText,
  foldValue,
  isText,
  KeyText,
  List,
  textOf,
  type Family,
  type Evaluation,
  type Value,
} from './cel-values.ts';

type Text = string | FoldedText | KeyText;

function refuseTypes(left: Family, right: Family): never {
  throw new EvaluationError(`a value of type ${left} is compared with one of type ${right}`);
}

/** The family that both have. */
export function familyOfBoth(left: Value, right: Value): Family {
  const family = familyOf(left);
  const other = familyOf(right);
  return family === other ? family : refuseTypes(family, other);
}

/** Numbers of any kind, exactly. What is not a number would be neither above nor below any limit. */
export function numberOf(value: Value): bigint | number | undefined {
  if (Number.isNaN(value)) throw new EvaluationError('the result of a calculation is not a number');
  if (isCelUint(value)) return value.value;
  return typeof value === 'bigint' || typeof value === 'number' ? value : undefined;
}

/** Two texts, both folded where one is: `part` where one is looked for inside the other. */
export function pairOf(left: Text, right: Text, as: 'value' | 'part'): readonly [string, string] {
  if (!(left instanceof FoldedText) && !(right instanceof FoldedText)) return [textOf(left), textOf(right)];
  const fold = (text: Text): string =>
    text instanceof FoldedText ? text.text : (as === 'value' ? foldValue : foldAscii)(textOf(text));
  return [fold(left), fold(right)];
}

/**
 * Whether two values are equal, at any depth. Everything is looked at even after a difference: a list that differs in its
 * first element is as unreadable as any other when its second is of another type.
 */
export function areEqual(left: Value, right: Value, evaluation: Evaluation, compareOpaque: CompareOpaque): boolean {
  const family = familyOfBoth(left, right);
  if (isText(left) && isText(right)) return areEqualTexts(left, right, evaluation);
  if (left instanceof List && right instanceof List) return areEqualLists(left, right, evaluation, compareOpaque);
  if (left instanceof Dict && right instanceof Dict) return areEqualDicts(left, right, evaluation, compareOpaque);
  if (family === 'number') {
    // Exact over int, uint and double in JavaScript, as in CEL.
    // oxlint-disable-next-line eqeqeq -- a bigint is never strictly equal to a number
    return numberOf(left) == numberOf(right);
  }
  return family === 'null' || family === 'bool' ? left === right : compareOpaque(left, right);
}
/** Equality of what only the library can compare. */
export type CompareOpaque = (left: Value, right: Value) => boolean;

function areEqualTexts(left: Text, right: Text, evaluation: Evaluation): boolean {
  evaluation.budget.charge((textOf(left).length + textOf(right).length) / 64);
  const [a, b] = pairOf(left, right, 'value');
  if (a === b) return true;
  if ((left instanceof KeyText || right instanceof KeyText) && evaluation.skeletonOf(a) === evaluation.skeletonOf(b)) {
    refuseSpelling(a);
  }
  return false;
}

function areEqualLists(left: List, right: List, evaluation: Evaluation, compareOpaque: CompareOpaque): boolean {
  evaluation.budget.charge(Math.min(left.size, right.size) / 4);
  let equal = left.size === right.size;
  for (let index = 0; index < Math.min(left.size, right.size); index++) {
    if (!areEqual(left.at(index), right.at(index), evaluation, compareOpaque)) equal = false;
  }
  return equal;
}

function areEqualDicts(left: Dict, right: Dict, evaluation: Evaluation, compareOpaque: CompareOpaque): boolean {
  evaluation.budget.charge((left.keys.length + right.keys.length) / 2);
  let equal = left.keys.length === right.keys.length;
  for (const key of left.keys) {
    const other = findKey(right, keyValueOf(left, key), evaluation);
    if (other === undefined) equal = false;
    else if (!areEqual(left.get(key) as Value, right.get(other) as Value, evaluation, compareOpaque)) equal = false;
  }
  for (const key of right.keys) findKey(left, keyValueOf(right, key), evaluation);
  return equal;
}

/** Keys as values, for macros and comparisons. */
export function keyValueOf(dict: Dict, key: string): Value {
  if (dict.keyFamily === 'string') return new KeyText(key);
  return dict.keyFamily === 'bool' ? key === 'true' : BigInt(key);
}

/**
 * The map's key that a value names, if it has it. Another spelling of it in the map is an error, whether or not the key
 * itself is there: the target may read the other one.
 */
export function findKey(dict: Dict, key: Value, evaluation: Evaluation): string | undefined {
  const family = familyOf(key);
  if (dict.keyFamily === undefined) return undefined;
  if (family !== dict.keyFamily) refuseTypes(family, dict.keyFamily);
  if (!isText(key)) {
    const text = nameOfKey(key);
    return dict.get(text) === undefined ? undefined : text;
  }
  const text = textOf(key);
  evaluation.budget.charge(text.length / 64);
  const spellings = evaluation.spellingsOf(dict).get(evaluation.skeletonOf(text)) ?? [];
  const isFolded = key instanceof FoldedText;
  const found = spellings.filter((spelling) => (isFolded ? foldValue(spelling) : spelling) === text);
  if (found.length !== spellings.length || found.length > 1) refuseSpelling(text);
  return found[0];
}

/** How a key of a map that the policy writes out is kept. */
export function nameOfKey(key: Value): string {
  if (typeof key === 'boolean') return String(key);
  const number = numberOf(key);
  if (number === undefined || (typeof number === 'number' && !Number.isInteger(number))) {
    throw new EvaluationError('this value cannot be the key of a map');
  }
  return String(BigInt(number));
}

function refuseSpelling(key: string): never {
  throw new EvaluationError(`another spelling of the key "${key.slice(0, 100)}" is present`);
}

import { celList, celMap, celType, isCelType, isCelUint, type CelValue } from '@bufbuild/cel';
import type { Json } from '../../contract/json.ts';
import type { Folds } from './schema.ts';
import { asciiOf } from '../text/look-alike-letters.ts';

/** Why a condition has no answer. `context_not_pinned`: it reads context that the call does not have. */
export type EvaluationCode = 'rule_error' | 'context_not_pinned';

/** Thrown wherever a condition meets something that it cannot judge. It always ends the whole condition. */
export class EvaluationError extends Error {
  readonly code: EvaluationCode;
  constructor(message: string, code: EvaluationCode = 'rule_error') {
    super(message);
    this.code = code;
  }
}

/** Steps that all rules and matches together may take over one call; one takes about half a microsecond. */
export const MAX_STEPS = 300_000;

/**
 * Counts what conditions do in proportion to the call, which the proposer chooses: rounds of macros, elements and keys
 * compared, texts searched. What one condition takes apart from that, its own length bounds. Steps are counted, never
 * time: the same call gets the same answer on any machine.
 */
export class Budget {
  #left: number;
  constructor(steps = MAX_STEPS) {
    this.#left = steps;
  }

  /** Before the work is done. Once used up, it stays so for all conditions of the call. */
  charge(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new EvaluationError('the call is too large for the conditions of this policy');
  }
}

/** Text of an argument with `fold: ascii`, and whatever is made of it. */
export class FoldedText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A key that a macro goes over: comparing it asks whether the map has that key. */
export class KeyText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export class List {
  readonly #parts: readonly unknown[];
  readonly #lift: (part: never) => Value;
  private constructor(parts: readonly unknown[], lift: (part: never) => Value) {
    this.#parts = parts;
    this.#lift = lift;
  }
  static ofJson(parts: readonly Json[], folds: Folds | undefined): List {
    return new List(parts, (part: Json) => fromJson(part, folds));
  }
  static ofValues(values: readonly Value[]): List {
    return new List(values, (value: Value) => value);
  }
  get size(): number {
    return this.#parts.length;
  }
  at(index: number): Value {
    return this.#lift(this.#parts[index] as never);
  }
}

interface Entries {
  list(): readonly string[];
  get(key: string): Value | undefined;
}

/** A map. Keys of one map have one family; those of JSON are texts. */
export class Dict {
  readonly keyFamily: Family | undefined;
  /** What identifies it over several reads of the same value. */
  readonly identity: object;
  /** The context itself, of which a missing key means that it was not pinned. */
  readonly isContext: boolean;
  readonly #entries: Entries;
  #keys: readonly string[] | undefined;
  private constructor(identity: object, keyFamily: Family | undefined, entries: Entries, isContext: boolean) {
    this.identity = identity;
    this.keyFamily = keyFamily;
    this.isContext = isContext;
    this.#entries = entries;
  }
  static ofJson(object: Readonly<Record<string, Json>>, folds: Folds | undefined, isContext = false): Dict {
    const get = (key: string): Value | undefined => {
      if (!Object.hasOwn(object, key)) return undefined;
      return fromJson(object[key] as Json, folds?.properties.get(key) ?? folds?.others);
    };
    return new Dict(object, 'string', { list: () => Object.keys(object), get }, isContext);
  }
  static ofValues(keyFamily: Family | undefined, values: ReadonlyMap<string, Value>): Dict {
    return new Dict(values, keyFamily, { list: () => [...values.keys()], get: (key) => values.get(key) }, false);
  }
  /** Listing them takes a step for each, which the caller charges. */
  get keys(): readonly string[] {
    this.#keys ??= this.#entries.list();
    return this.#keys;
  }
  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }
}

/** What the library knows beyond JSON: uint, bytes, types, timestamps, durations. */
type Opaque = Exclude<CelValue, string | number | bigint | boolean | null>;
export type Value = null | boolean | bigint | number | string | FoldedText | KeyText | List | Dict | Opaque;

/** One evaluation over one call: what it may still cost, and keys that were looked through already. */
export class Evaluation {
  readonly budget: Budget;
  readonly #spellings = new WeakMap<object, ReadonlyMap<string, readonly string[]>>();
  constructor(budget: Budget) {
    this.budget = budget;
  }
  spellingsOf(dict: Dict): ReadonlyMap<string, readonly string[]> {
    const known = this.#spellings.get(dict.identity);
    if (known !== undefined) return known;
    this.budget.charge(dict.keys.reduce((sum, key) => sum + 1 + key.length / 4, 0));
    const index = new Map<string, string[]>();
    for (const key of dict.keys) {
      const skeleton = this.skeletonOf(key);
      const others = index.get(skeleton);
      if (others === undefined) index.set(skeleton, [key]);
      else others.push(key);
    }
    this.#spellings.set(dict.identity, index);
    return index;
  }
  /** One character of a key can stand for 18 (U+FDFA), so what is charged is the length after that. */
  skeletonOf(key: string): string {
    const normalized = normalizeKey(key);
    if (normalized === undefined) return key;
    this.budget.charge(normalized.length);
    return skeletonOfNormalized(normalized);
  }
}

/** JSON as conditions see it: whole numbers are `int`, others `double`, objects are maps. */
export function fromJson(json: Json, folds: Folds | undefined): Value {
  if (typeof json === 'string') return folds?.text === true ? new FoldedText(foldValue(json)) : json;
  if (typeof json === 'number') return Number.isSafeInteger(json) ? BigInt(json) : json;
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return List.ofJson(json as readonly Json[], folds?.items);
  return Dict.ofJson(json as Readonly<Record<string, Json>>, folds);
}

/** Values of two families are never compared: the answer would be a silent no. All numbers are one family. */
export type Family = string;

export function familyOf(value: Value): Family {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint' || typeof value === 'number' || isCelUint(value)) return 'number';
  if (isText(value)) return 'string';
  if (value instanceof List) return 'list';
  if (value instanceof Dict) return 'map';
  return isCelType(value) ? 'type' : celType(value).name;
}

export function isText(value: Value): value is string | FoldedText | KeyText {
  return typeof value === 'string' || value instanceof FoldedText || value instanceof KeyText;
}

export function textOf(value: string | FoldedText | KeyText): string {
  return typeof value === 'string' ? value : value.text;
}

/** For the library's own functions, none of which looks into a list or a map. */
export function toLibrary(value: Value): CelValue {
  if (value instanceof List) return celList([]);
  if (value instanceof Dict) return celMap(new Map());
  return value instanceof FoldedText || value instanceof KeyText ? value.text : value;
}

const PLAIN = /^[a-z0-9_.-]*$/;
/** Blanks, controls, and what is drawn as nothing. */
const UNSEEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

/** Undefined: the key is its own skeleton. */
export function normalizeKey(key: string): string | undefined {
  return PLAIN.test(key) ? undefined : key.normalize('NFKC');
}

/**
 * What two keys share that a person, or a lenient target, takes for one: letter case, blanks, invisible characters,
 * compatibility forms (NFKC) and look-alikes. `Env`, `env ` and `еnv` with a Cyrillic `е` are spellings of `env`.
 */
export function skeletonOfNormalized(key: string): string {
  const letters = Array.from(key.replace(UNSEEN, ''), (letter) => asciiOf(letter) ?? letter);
  return letters.join('').toLowerCase();
}

/**
 * A text as it is compared where letter case does not count. What is not ASCII has no agreed folding, and could be drawn
 * like what is.
 */
export function foldAscii(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new EvaluationError('a value that is compared with fold: ascii is not ASCII');
  return text.toLowerCase();
}

/** A whole value that is compared; targets differ in whether `production ` is `production`. */
export function foldValue(text: string): string {
  if (text.startsWith(' ') || text.endsWith(' ')) {
    throw new EvaluationError('a value that is compared with fold: ascii starts or ends with a blank');
  }
  return foldAscii(text);
}

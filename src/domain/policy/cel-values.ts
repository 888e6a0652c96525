import { celList, celMap, celType, isCelType, isCelUint, type CelValue } from '@bufbuild/cel';
import type { Json } from '../../contract/json.ts';
import type { Budget } from './cel-cost.ts';
import { foldValue, type Folds } from './fold.ts';
import { normalizeKey, skeletonOfNormalized } from './spelling.ts';

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
export class Session {
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

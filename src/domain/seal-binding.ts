import type { Json, JsonObject } from '../contract/json.ts';
import { pointerStep } from '../contract/pointer.ts';
import { isJsonObject, parsePointer } from './json/pointer.ts';

/**
 * What a sealed argument belongs to. It stands in the JWE's protected header, so that moving a sealed value to another
 * review, tool or place makes it unreadable.
 */
export interface SealBinding {
  readonly deploymentId: string;
  readonly reviewId: string;
  readonly tool: string;
  /** JSON Pointer into the arguments. */
  readonly pointer: string;
}

/** Members of the protected header (RFC 7516) that hold the binding; listed in `crit`, so no reader may ignore them. */
export const SEAL_HEADERS = {
  deploymentId: 'hp-deployment',
  reviewId: 'hp-review',
  tool: 'hp-tool',
  pointer: 'hp-pointer',
} as const satisfies Record<keyof SealBinding, string>;

export function sealHeader(binding: SealBinding): Record<string, string> {
  const keys = Object.keys(SEAL_HEADERS) as (keyof SealBinding)[];
  return Object.fromEntries(keys.map((key) => [SEAL_HEADERS[key], binding[key]]));
}

/** Every member present, and every one the expected. */
export function isBoundTo(header: Readonly<Record<string, unknown>>, binding: SealBinding): boolean {
  return Object.entries(sealHeader(binding)).every(([name, value]) => header[name] === value);
}

/** `{"$sealed": "…"}` and nothing else. */
export function isSealed(value: Json | undefined): value is { readonly $sealed: string } {
  if (!isJsonObject(value)) return false;
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === '$sealed' && typeof value['$sealed'] === 'string';
}

/** Whether `$sealed` stands as a key anywhere: only Holdpoint itself writes it. */
export function holdsSealed(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (!Array.isArray(value) && Object.hasOwn(value, '$sealed')) return true;
  return Object.values(value).some((part) => typeof part === 'object' && part !== null && holdsSealed(part as Json));
}

/** Pointers at which a value is present in the clear. */
export function findUnsealed(args: JsonObject, pointers: readonly string[]): readonly string[] {
  return pointers.filter((pointer) => {
    const value = valueAt(args, pointer);
    return value !== undefined && !isSealed(value);
  });
}

/** Puts a stand-in where sealed values would be, to classify without a review: what is sealed cannot matter to policy. */
export function maskSealed(args: JsonObject, pointers: readonly string[]): JsonObject {
  return pointers.reduce(
    (masked, pointer) =>
      valueAt(masked, pointer) === undefined ? masked : replaceAt(masked, pointer, { $sealed: '' }),
    args,
  );
}

/** Not into arrays: no sealed value stands in one. */
export function valueAt(args: JsonObject, pointer: string): Json | undefined {
  let at: Json | undefined = args;
  for (const step of parsePointer(pointer)) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, step)) return undefined;
    at = (at as JsonObject)[step];
  }
  return at;
}

/** A copy with another value at a pointer that exists. */
export function replaceAt(args: JsonObject, pointer: string, value: Json): JsonObject {
  const replace = (at: Json | undefined, [step, ...rest]: readonly string[]): Json =>
    step === undefined ? value : { ...(at as JsonObject), [step]: replace((at as JsonObject)[step], rest) };
  return replace(args, parsePointer(pointer)) as JsonObject;
}

/** What stands for a sealed value, as JSON Schema. */
const SEALED: JsonObject = {
  type: 'object',
  required: ['$sealed'],
  additionalProperties: false,
  properties: { $sealed: { type: 'string' } },
};

/** The schema of arguments whose values at the pointers are sealed: nothing but the sealed form is accepted there. */
export function sealSchema(schema: JsonObject, pointers: readonly string[]): JsonObject {
  return pointers.map(parsePointer).reduce(sealPart, schema);
}

function sealPart(schema: JsonObject, [step, ...rest]: readonly string[]): JsonObject {
  if (step === undefined) return SEALED;
  const { properties, allOf } = schema;
  const next = isJsonObject(properties) ? properties[step] : undefined;
  return {
    ...schema,
    ...(isJsonObject(properties) && isJsonObject(next)
      ? { properties: { ...properties, [step]: sealPart(next, rest) } }
      : {}),
    ...(Array.isArray(allOf)
      ? { allOf: allOf.map((part: Json) => (isJsonObject(part) ? sealPart(part, [step, ...rest]) : part)) }
      : {}),
  };
}

/** JSON Pointers to the sealed values of a call. None stands in a list: policy refuses to seal there. */
export function sealedPointers(value: Json, at = ''): readonly string[] {
  if (isSealed(value)) return [at];
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => sealedPointers(inner, at + pointerStep(key)));
}

/** Most texts and numbers in one sealed value: an answer is searched for each of them. */
export const MAX_SEALED_TEXTS = 100;

/** Every text and number in a value: what must not be found in a result, an error or a log. */
export function textsOf(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((part) => textsOf(part));
}

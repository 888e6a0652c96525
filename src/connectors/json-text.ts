import type { Json, JsonObject } from '../contract/json.ts';

/** Why (part of) an answer is not there; stands as `{"$omitted": why}` in its place. */
export type OmittedReason =
  | 'response_too_large'
  | 'encoding_not_supported'
  | 'not_text'
  | 'too_deep'
  /** The tool redacts fields, and the answer has no fields to find them in. */
  | 'not_redactable';

export function omitted(why: OmittedReason): JsonObject {
  return { $omitted: why };
}

/** Deepest nesting of an answer that is kept. */
const MAX_DEPTH = 64;

/**
 * Parses JSON that a target wrote into a value that can be stored and hashed: valid Unicode, no NUL (PostgreSQL's
 * `jsonb` takes neither), finite numbers, bounded depth. Integers beyond 2^53 lose digits as they do in `JSON.parse`.
 */
export function parseBodyJson(
  text: string,
): { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly why: 'not_json' | 'too_deep' } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, why: 'not_json' };
  }
  const clean = cleanJson(value, 0);
  return clean === undefined ? { ok: false, why: 'too_deep' } : { ok: true, value: clean };
}

/** Text that can be stored: lone surrogates and NUL become U+FFFD. */
export function wellFormed(text: string): string {
  return text.replaceAll(/[\ud800-\udfff]/gu, '\ufffd').replaceAll('\0', '\ufffd');
}

function cleanJson(value: unknown, depth: number): Json | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'boolean' || value === null) return value;
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value as readonly unknown[]) {
      const clean = cleanJson(item, depth + 1);
      if (clean === undefined) return undefined;
      items.push(clean);
    }
    return items;
  }
  const entries: [string, Json][] = [];
  for (const [key, item] of Object.entries(value as object)) {
    const clean = cleanJson(item, depth + 1);
    if (clean === undefined) return undefined;
    entries.push([wellFormed(key), clean]);
  }
  // `fromEntries` defines properties, so a key `__proto__` stays a plain key.
  return Object.fromEntries(entries);
}

/** A sealed argument's placeholder. */
export function isSealed(value: Json | undefined): boolean {
  return isJsonObject(value) && Object.hasOwn(value, '$sealed');
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a JSON Pointer (RFC 6901); undefined where there is none. */
export function valueAt(value: Json, pointer: string): Json | undefined {
  let current: Json | undefined = value;
  for (const key of pointerKeys(pointer)) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Readonly<Record<string, Json>>)[key];
  }
  return current;
}

/** The unescaped reference tokens of a JSON Pointer; `''` has none. */
export function pointerKeys(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

import type { Json } from '../../contract/json.ts';
import { wellFormed } from '../text/visible.ts';

/** Deepest nesting that is kept. */
const MAX_DEPTH = 64;

/**
 * What a target said as something that can be hashed, signed and stored whatever it was: valid Unicode without NUL
 * (PostgreSQL's `jsonb` takes neither), finite numbers, bounded depth.
 */
export function storable(value: Json, depth = 0): Json {
  if (typeof value === 'string') return storableText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (depth >= MAX_DEPTH) return { $omitted: 'too_deep' };
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => storable(item, depth + 1));
  // `fromEntries` defines properties, so a key `__proto__` stays a plain key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item, depth + 1)]));
}

/** Lone surrogates and NUL become U+FFFD. */
export function storableText(text: string): string {
  return wellFormed(text).replaceAll('\0', '\ufffd');
}

/** Parses JSON that a target wrote. Integers beyond 2^53 lose digits as they do in `JSON.parse`. */
export function parseStorable(
  text: string,
): { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly why: 'not_json' | 'too_deep' } {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return { ok: false, why: 'not_json' };
  }
  return isTooDeep(value, 0) ? { ok: false, why: 'too_deep' } : { ok: true, value: storable(value) };
}

function isTooDeep(value: Json, depth: number): boolean {
  if (depth > MAX_DEPTH) return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).some((item) => isTooDeep(item as Json, depth + 1))
  );
}

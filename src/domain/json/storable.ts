import type { Json } from '../../contract/json.ts';
import { isExactNumber, numberOf, parseExactJson } from '../../contract/exact-number.ts';

/** Deepest nesting that is kept. */
const MAX_DEPTH = 64;

/**
 * What a target said as something that can be hashed, signed and stored whatever it was: valid Unicode without NUL
 * (PostgreSQL's `jsonb` takes neither), finite numbers, bounded depth. Numbers that a double does not hold are kept as
 * exact-number.ts says.
 */
export function storable(value: Json, depth = 0): Json {
  if (typeof value === 'string') return storableText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? numberOf(String(value)) : String(value);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (isExactNumber(value)) return value;
  if (depth >= MAX_DEPTH) return { $omitted: 'too_deep' };
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => storable(item, depth + 1));
  // `fromEntries` defines properties, so a key `__proto__` stays a plain key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item, depth + 1)]));
}

/**
 * Text that PostgreSQL can store: lone surrogates and NUL become U+FFFD. Any client of Temporal can put either into a proposal,
 * and every call must remain recordable.
 */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}

/** Parses JSON that a target wrote; every number keeps its digits. Of what is too deep, `value` is cut. */
export function parseStorable(
  text: string,
):
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly why: 'not_json' }
  | { readonly ok: false; readonly why: 'too_deep'; readonly value: Json } {
  let value: Json;
  try {
    value = parseExactJson(text);
  } catch {
    return { ok: false, why: 'not_json' };
  }
  const kept = storable(value);
  return isTooDeep(value, 0) ? { ok: false, why: 'too_deep', value: kept } : { ok: true, value: kept };
}

function isTooDeep(value: Json, depth: number): boolean {
  if (isExactNumber(value)) return false;
  if (depth > MAX_DEPTH) return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).some((item) => isTooDeep(item as Json, depth + 1))
  );
}

import type { Json } from '../../contract/json.ts';

/** Deepest nesting that is kept. */
const MAX_DEPTH = 64;

/**
 * What a target said as something that can be hashed, signed and stored whatever it was: valid Unicode without NUL,
 * finite numbers, bounded depth. Connectors see to it already; this is the last line, because by now the call has been
 * made and its result must be recorded.
 */
export function storable(value: Json, depth = 0): Json {
  if (typeof value === 'string') return storableText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (depth >= MAX_DEPTH) return { $omitted: 'too_deep' };
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => storable(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item, depth + 1)]));
}

export function storableText(text: string): string {
  return text.replaceAll(/[\ud800-\udfff]/gu, '\ufffd').replaceAll('\0', '\ufffd');
}

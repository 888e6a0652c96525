import type { Json, JsonObject } from '../../contract/json.ts';

/**
 * `application/x-www-form-urlencoded` with nesting as Stripe reads it: `a[b]=c`, `a[0]=c`; null is the empty string,
 * which unsets. Undefined where a key holds a bracket (it would name another parameter) or text is not valid Unicode.
 */
export function encodeForm(fields: JsonObject): string | undefined {
  const pairs: string[] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (!addPairs(pairs, key, key, value)) return undefined;
  }
  return pairs.join('&');
}

function addPairs(pairs: string[], path: string, key: string, value: Json): boolean {
  if (/[[\]]/.test(key)) return false;
  if (Array.isArray(value)) {
    return (value as readonly Json[]).every((item, index) => addPairs(pairs, `${path}[${index}]`, String(index), item));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).every(([inner, item]) => addPairs(pairs, `${path}[${inner}]`, inner, item));
  }
  try {
    pairs.push(`${encodeURIComponent(path)}=${encodeURIComponent(value === null ? '' : String(value))}`);
    return true;
  } catch {
    return false; // encodeURIComponent throws on lone surrogates alone
  }
}

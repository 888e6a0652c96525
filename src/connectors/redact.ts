import type { Json } from '../contract/json.ts';
import { isJsonObject, omitted, pointerKeys, type OmittedReason } from './json-text.ts';

/**
 * Drops what the pointers name; `*` stands for every element or key. A pointer that could name something in an answer
 * without fields (text, say) takes the whole answer with it: what cannot be redacted is not kept.
 */
export function redact(value: Json, pointers: readonly string[] | undefined): Json {
  if (pointers === undefined || pointers.length === 0 || value === null) return value;
  if (typeof value !== 'object') return omitted('not_redactable' satisfies OmittedReason);
  return pointers.reduce<Json>((result, pointer) => dropAt(result, pointerKeys(pointer)), value);
}

function dropAt(value: Json, keys: readonly string[]): Json {
  const [key, ...rest] = keys;
  if (key === undefined) return null;
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const hit = (index: number): boolean => key === '*' || String(index) === key;
    if (rest.length === 0) return items.filter((_, index) => !hit(index));
    return items.map((item, index) => (hit(index) ? dropAt(item, rest) : item));
  }
  if (!isJsonObject(value)) return value;
  const entries: [string, Json][] = [];
  for (const [name, item] of Object.entries(value)) {
    const hit = key === '*' || name === key;
    if (hit && rest.length === 0) continue;
    entries.push([name, hit ? dropAt(item, rest) : item]);
  }
  return Object.fromEntries(entries);
}

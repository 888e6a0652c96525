import type { Json } from '../contract/json.ts';

/** Longest text inside a fact, in UTF-16 code units. */
const TEXT = 400;
/** Largest single value inside a fact, as JSON. */
const VALUE = 4_096;

/** Shortens a value for people. What is cut says so. */
export function clipValue(value: Json): Json {
  const clipped = clipTexts(value);
  const size = JSON.stringify(clipped).length;
  return size <= VALUE ? clipped : `… (${size} characters)`;
}

function clipTexts(value: Json): Json {
  if (typeof value === 'string')
    return value.length <= TEXT ? value : `${wholeStart(value)}… (${value.length} characters)`;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(clipTexts);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clipTexts(item)]));
}

/** Never half a surrogate pair. */
function wholeStart(text: string): string {
  const last = text.charCodeAt(TEXT - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? TEXT - 1 : TEXT);
}

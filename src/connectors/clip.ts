import type { Json, JsonObject } from '../contract/json.ts';

/** Longest text inside a fact, in UTF-16 code units. */
const TEXT = 400;
/** Largest single value inside a fact, in bytes of JSON. */
const VALUE = 4_096;
/** Largest row of a sample, in bytes of JSON: two samples of five rows stay below the 64 KiB of evidence. */
const ROW = 5_120;

/** Shortens a value for people. What is cut says so. */
export function clipValue(value: Json): Json {
  const clipped = clipTexts(value);
  const size = bytesOf(clipped);
  return size <= VALUE ? clipped : `… (${size} bytes)`;
}

/** Shortens a row, column by column, and leaves the last columns out where it is still too large. */
export function clipRow(row: JsonObject): JsonObject {
  const columns = Object.entries(row).map(([name, value]) => [name, clipValue(value)] as const);
  let size = 0;
  const kept = columns.filter(([name, value]) => {
    size += bytesOf(name) + bytesOf(value) + 2;
    return size <= ROW;
  });
  const left = columns.length - kept.length;
  return { ...Object.fromEntries(kept), ...(left === 0 ? {} : { '…': `${left} more columns` }) };
}

function bytesOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
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

import { EXECUTION_ERRORS, type ExecutionErrorCode } from '../contract/codes.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import { isExactNumber } from '../contract/exact-number.ts';
import { isJsonObject, parsePointer } from '../domain/json/pointer.ts';
import { sliceCharacters } from '../domain/text/visible.ts';
import type { ConnectorResult } from '../ports/connector.ts';
import { defined } from '../contract/defined.ts';

/**
 * What the connectors share: how long a call may take, the result of its answer, what of the body is kept, and what is shown
 * of it in a fact.
 */

export type FailedResult = Extract<ConnectorResult, { status: 'failed' }>;

/** A failure that is certain: nothing happened, or the target itself reported the failure. */
export function failed(code: ExecutionErrorCode, message: string = EXECUTION_ERRORS[code]): FailedResult {
  return { status: 'failed', code, message };
}

/** A failure of which it is proved that nothing ran, and that may pass: an approval is not used up by it. */
export function notNow(code: ExecutionErrorCode, message?: string, retryAfterMs?: number): FailedResult {
  return { ...failed(code, message), isDeferrable: true, ...defined({ retryAfterMs }) };
}

export const TOO_LATE = notNow('target_unreachable', 'Connecting took too long; nothing was sent');

export const NO_PREVIEW = { ok: false, code: 'preview_unavailable', message: 'The tool has no preview' } as const;

type UnknownResult = Extract<ConnectorResult, { status: 'outcome_unknown' }>;

export function outcomeUnknown(message: string = EXECUTION_ERRORS.lost_answer): UnknownResult {
  return { status: 'outcome_unknown', code: 'lost_answer', message };
}

/** Why (part of) an answer is not there; stands as `{"$omitted": why}` in its place. */
type OmittedReason =
  | 'response_too_large'
  | 'encoding_not_supported'
  | 'not_text'
  | 'too_deep'
  /** The tool redacts fields, and the answer has no fields to find them in. */
  | 'not_redactable';

/** `size`: how large it is, as far as that is known, and of which media type. */
export function omitted(
  why: OmittedReason,
  size: { readonly bytes?: number; readonly atLeastBytes?: number; readonly mediaType?: string } = {},
): JsonObject {
  return { $omitted: why, ...size };
}

/**
 * Drops what the pointers name; `*` stands for every element or key. A pointer that could name something in an answer
 * without fields (text, say) takes the whole answer with it: what cannot be redacted is not kept.
 */
export function redact(value: Json, pointers: readonly string[] | undefined): Json {
  if (pointers === undefined || pointers.length === 0 || value === null) return value;
  if (typeof value !== 'object' || isExactNumber(value)) return omitted('not_redactable');
  return pointers.reduce<Json>((result, pointer) => dropAt(result, parsePointer(pointer)), value);
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
  if (!isJsonObject(value) || isExactNumber(value)) return value;
  const entries: [string, Json][] = [];
  for (const [name, item] of Object.entries(value)) {
    const hit = key === '*' || name === key;
    if (hit && rest.length === 0) continue;
    entries.push([name, hit ? dropAt(item, rest) : item]);
  }
  return Object.fromEntries(entries);
}

/** Longest text inside a fact, in UTF-16 code units. */
const TEXT = 400;
/** Largest single value inside a fact, in bytes of JSON. */
const VALUE = 4_096;
/** Largest row of a sample, in bytes of JSON: two samples of five rows stay below the 64 KiB of evidence. */
const ROW = 5_120;

/** Shortens a value for people; shortened values are marked. */
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
  if (typeof value === 'string') {
    return value.length <= TEXT ? value : `${sliceCharacters(value, TEXT)}… (${value.length} characters)`;
  }
  if (isExactNumber(value) && value.$number.length > TEXT) return clipTexts(value.$number);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(clipTexts);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clipTexts(item)]));
}

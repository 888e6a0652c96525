import { formatSpan } from './text/time.ts';

/** A year: times beyond it could not be written as dates. */
const LONGEST_MS = 365 * 86_400_000;

/**
 * `Retry-After` (RFC 9110, 10.2.3) in ms: seconds, of which some targets write a fraction (Shopify: `2.0`), or a date.
 * Undefined where it says nothing that can be read.
 */
export function readRetryAfter(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? '';
  const ms = /^[0-9]{1,10}(?:\.[0-9]{1,9})?$/.test(text) ? Math.ceil(Number(text)) * 1_000 : readDate(text) - now;
  return Number.isNaN(ms) || ms <= 0 ? undefined : Math.min(ms, LONGEST_MS);
}

/**
 * One of the three forms of HTTP (RFC 9110, 5.6.7), all of which are in UTC though that of `asctime` does not say so, or a
 * time of ISO 8601 with its zone. NaN for other text: `Date.parse` finds a year in any words.
 */
function readDate(text: string): number {
  if (/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(text)) return Date.parse(text);
  if (!/^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return NaN;
  return Date.parse(/(?:GMT|UTC|[+-]\d{4})$/i.test(text) ? text : `${text} GMT`);
}

/** A message with what the target asked for beside it. */
export function withRetryAfter(message: string, retryAfterMs: number | undefined): string {
  return retryAfterMs === undefined
    ? message
    : `${message}, and asks to wait ${formatSpan(retryAfterMs)} (Retry-After)`;
}

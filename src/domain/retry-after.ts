import { formatSpan } from './text/time.ts';

/** A year: times beyond it could not be written as dates. */
const LONGEST_MS = 365 * 86_400_000;

/** `Retry-After` (RFC 9110, 10.2.3) in ms: seconds, or a date. Undefined where it says nothing that can be read. */
export function readRetryAfter(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? '';
  const ms = /^[0-9]{1,10}$/.test(text) ? Number(text) * 1_000 : /[a-z]/i.test(text) ? Date.parse(text) - now : NaN;
  return Number.isNaN(ms) || ms <= 0 ? undefined : Math.min(ms, LONGEST_MS);
}

/** A message with what the target asked for beside it. */
export function withRetryAfter(message: string, retryAfterMs: number | undefined): string {
  return retryAfterMs === undefined
    ? message
    : `${message}, and asks to wait ${formatSpan(retryAfterMs)} (Retry-After)`;
}

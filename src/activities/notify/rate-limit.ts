import type { PersonTold } from '../../contract/delivery.ts';

/** What a destination wants, and what it may get. */
export interface Pace {
  readonly mode: 'per-event' | 'digest';
  /** Messages at most `limit` in `perMs`; a digest counts as one, and so does being called by name elsewhere. */
  readonly limit: number;
  readonly perMs: number;
}

export type NextMessage =
  /** The oldest notice alone. */
  | { readonly kind: 'each' }
  /** Everything that waits, in one message. */
  | { readonly kind: 'digest' }
  /** Nothing now; ms until it may be something. */
  | { readonly kind: 'wait'; readonly ms: number };

/** A message that calls somebody by name and is just being sent: whether it was told is known after so many ms. */
const UNDER_WAY_MS = 30_000;

/**
 * How the next of `waiting` notices is told. What does not fit into the messages that are left is folded into one of
 * them at once, so that nobody hears late of what could be said now; once none is left, everything waits for the next
 * and is folded into that. In mode `digest` there is one message in `perMs`.
 *
 * `told`: epoch ms of the messages of the last `perMs`, oldest first. `waiting`: at least 1. `mentions`: when the person
 * whose destination it is was called by name in messages to others; the limit is that of the person.
 */
export function nextMessage(
  pace: Pace,
  told: readonly number[],
  waiting: number,
  now: number,
  mentions: readonly (number | 'under_way')[] = [],
): NextMessage {
  const since = now - pace.perMs;
  const elsewhere = mentions.map((at) => (at === 'under_way' ? since + UNDER_WAY_MS : at));
  const own = told.filter((at) => at > since);
  const all = [...own, ...elsewhere.filter((at) => at > since)].toSorted((a, b) => a - b);
  const ownLimit = pace.mode === 'digest' ? 1 : pace.limit;
  const wait = Math.max(untilFree(own, ownLimit, pace.perMs, now), untilFree(all, pace.limit, pace.perMs, now));
  if (wait > 0) return { kind: 'wait', ms: wait };
  return pace.mode === 'digest' || waiting > pace.limit - all.length ? { kind: 'digest' } : { kind: 'each' };
}

/** Ms until fewer than `limit` of these times (oldest first) are in the window; 0: they are fewer now. */
function untilFree(times: readonly number[], limit: number, perMs: number, now: number): number {
  if (times.length < limit) return 0;
  // A message frees its place when it is old enough; the one that must go first is the `limit`th from the end.
  return Math.max(1, (times[times.length - limit] ?? now) + perMs - now);
}

/**
 * Who has a place left for being called by name. The last place is kept for a mail where one waits: that one tells
 * everything, and mentions that come first again and again would keep it waiting.
 */
export function whoHasPlace(limit: number, people: readonly PersonTold[]): readonly string[] {
  return people.filter(({ told, mailWaits }) => told + (mailWaits ? 1 : 0) < limit).map(({ reviewer }) => reviewer);
}

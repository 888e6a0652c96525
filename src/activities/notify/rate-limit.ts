/** What a destination wants, and what it may get. */
export interface Pace {
  readonly mode: 'per-event' | 'digest';
  /** Messages at most `limit` in `perMs`; a digest counts as one. */
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

/**
 * How the next of `waiting` notices is told. What does not fit into the messages that are left is folded into one of
 * them at once, so that nobody hears late of what could be said now; once none is left, everything waits for the next
 * and is folded into that. In mode `digest` there is one message in `perMs`.
 *
 * `told`: epoch ms of the messages of the last `perMs`, oldest first. `waiting`: at least 1.
 */
export function nextMessage(pace: Pace, told: readonly number[], waiting: number, now: number): NextMessage {
  const limit = pace.mode === 'digest' ? 1 : pace.limit;
  const recent = told.filter((at) => at > now - pace.perMs);
  const left = limit - recent.length;
  if (left <= 0) {
    // A message frees its place when it is old enough; the one that must go first is the `limit`th from the end.
    const freeing = recent[recent.length - limit] ?? now;
    return { kind: 'wait', ms: Math.max(1, freeing + pace.perMs - now) };
  }
  return pace.mode === 'digest' || waiting > left ? { kind: 'digest' } : { kind: 'each' };
}

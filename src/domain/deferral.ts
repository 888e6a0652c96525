const FIRST_WAIT_MS = 1_000;
const SHORT_CAP_MS = 300_000;
/** With less of an approval's time left, a call is not deferred. */
const SHORTEST_LEFT_MS = 2_000;

/** Times in epoch ms. */
interface DeferrableClaim {
  /** When the call was first claimed. */
  readonly firstAt: number;
  readonly now: number;
  /** Until when the approval may wait to be executed. */
  readonly staleAt: number;
  /** What the target asked for, ms; 0: nothing. */
  readonly retryAfterMs: number;
}

/**
 * How long a deferred call waits, ms: each time about as long as it has taken so far, at least as long as the target asked
 * for. Null: its approval would be stale by then, so its failure is told now.
 */
export function deferralWait({ firstAt, now, staleAt, retryAfterMs }: DeferrableClaim): number | null {
  const elapsed = now - firstAt;
  const left = staleAt - now;
  if (left < SHORTEST_LEFT_MS || retryAfterMs >= left) return null;
  const wait = Math.min(Math.max(elapsed, FIRST_WAIT_MS), Math.max(SHORT_CAP_MS, elapsed / 20), left / 2);
  return Math.ceil(Math.max(wait, retryAfterMs));
}

import type { ReasonCode } from '../contract/codes.ts';
import type { ExecutionView } from '../contract/review.ts';
import { isoOf } from './deadline.ts';

/** Why an approved call has not been made. */
interface Waiting {
  readonly code: Extract<ReasonCode, 'frozen' | 'rate_exceeded' | 'execution_deferred'>;
  readonly message: string;
  /** It is not made before this; null: before the freeze is lifted. */
  readonly from: string | null;
}

/** Everything that a call which was not made yet waits for. */
export function whyItWaits({ status, frozen, limited, deferred }: ExecutionView): readonly Waiting[] {
  if (status !== 'not_started') return [];
  const found: Waiting[] = [];
  if (frozen !== undefined) {
    const by = frozen.by === null ? 'by the configuration' : `by ${frozen.by}: ${frozen.why ?? ''}`;
    found.push({ code: 'frozen', message: `frozen ${by}`, from: null });
  }
  if (limited !== undefined) {
    found.push({ code: 'rate_exceeded', message: limitedWords(limited), from: limited.from });
  }
  if (deferred !== undefined) {
    found.push({ code: 'execution_deferred', message: deferred.message, from: deferred.retryAt });
  }
  return found;
}

/** `waits until 2026-12-01T10:00:00.000Z`, or `waits` where that depends on a person. */
export function waitsWords({ from }: Waiting): string {
  return from === null ? 'waits' : `waits until ${from}`;
}

export function limitedWords({ perHour }: NonNullable<ExecutionView['limited']>): string {
  return `${perHour} calls of its tool ran in the last hour, as many as limits.irreversiblePerToolPerHour allows`;
}

const HOUR_MS = 3_600_000;

/** When a tool may run again whose n-th last call, of n that it may make in an hour, was claimed then. Null: now. */
export function nextClaimAt(nthLast: string | undefined, now: number): string | null {
  const at = nthLast === undefined ? 0 : Date.parse(nthLast) + HOUR_MS;
  return at > now ? isoOf(at) : null;
}

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

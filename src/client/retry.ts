import { LONGEST_TIMER_MS } from '../contract/constants.ts';

/** How often, and how long, a request is tried again. Times in ms. */
export interface RetryOptions {
  /** Attempts after the first; default 4. 0 switches retries off. */
  readonly retries?: number;
  /** Longest wait between two attempts, whatever `Retry-After` asks; default 20 s. Above it the error is handed out. */
  readonly maxDelay?: number;
}

export interface RetryPolicy {
  readonly retries: number;
  readonly maxDelay: number;
}

export function retryPolicy(options: RetryOptions = {}): RetryPolicy {
  return { retries: options.retries ?? 4, maxDelay: options.maxDelay ?? 20_000 };
}

/**
 * Wait before the next attempt, in ms; undefined: give up. `Retry-After` is a lower bound that is never undercut;
 * without it the wait doubles from 200 ms with full jitter over its upper half.
 */
export function nextDelay(
  attempt: number,
  retryAfterSeconds: number | undefined,
  policy: RetryPolicy,
  random: number,
): number | undefined {
  if (attempt >= policy.retries) return undefined;
  if (retryAfterSeconds !== undefined) {
    const asked = retryAfterSeconds * 1_000;
    return asked > policy.maxDelay ? undefined : asked + random * 100;
  }
  const ceiling = Math.min(200 * 2 ** attempt, policy.maxDelay);
  return ceiling / 2 + (random * ceiling) / 2;
}

/** `Retry-After` in seconds: a number or an HTTP date (RFC 9110, 10.2.3); undefined where absent or unreadable. */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^[0-9]{1,9}(?:\.[0-9]{1,9})?$/.test(text)) return Number(text);
  // `Date.parse` finds a day in other words too: -5 would be one that is long past.
  if (!/^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return undefined;
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now) / 1_000);
}

/**
 * Resolves after `ms`, or the longest that `setTimeout` waits: it takes a longer one for none at all, and a server's
 * `Retry-After` would be answered at once, and again. Rejects with the signal's reason as soon as it is aborted.
 */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      Math.min(ms, LONGEST_TIMER_MS),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Request } from 'express';
import { MemoryStore, type Options } from 'express-rate-limit';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import { principalKey, type Principal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import type { Scan } from '../service/scan.ts';
import { addressKey } from './addresses.ts';

const WINDOW_MS = 60_000;
/** Pages that one address may look at for each request that it may try a credential with. */
const PAGES = 10;
/** Rows that count for as much as one request. */
const ROWS = 200;

/** What a scan does once its caller has read as much as a minute allows. */
export type Impatience = 'refuse' | 'wait';

export interface RateLimiter {
  /** Counts a request; `cost` is what it stands for. Throws `rate_limited`. */
  charge(principal: Principal, cost: number): Promise<void>;
  /**
   * Charges what is read for a principal, one for every 200 rows over all its scans. On an account of its own: an export
   * takes nothing from the requests that decide.
   */
  scan(principal: Principal, signal: AbortSignal, then: Impatience): Scan;
  /**
   * Counts a request without a valid credential against its address. `asPage`: apart from the others, and with ten times
   * their limit. Throws `rate_limited`.
   */
  chargeAddress(req: Request, asPage?: boolean): Promise<void>;
  close(): void;
}

/** Fixed windows of a minute, in this process: with n api processes the limit is n times as high. */
export function createRateLimiter(settings: SettingsSource, anonymousPerMinute: number): RateLimiter {
  const store = new MemoryStore();
  store.init({ windowMs: WINDOW_MS } as Options);
  const charge = async (key: string, cost: number, limit: number): Promise<void> => {
    for (let n = 0; n < cost; n += 1) {
      const { totalHits, resetTime } = await store.increment(key);
      if (totalHits > limit) {
        const left = (resetTime?.getTime() ?? Date.now() + WINDOW_MS) - Date.now();
        throw new ProblemError('rate_limited', { retryAfterSeconds: Math.max(1, Math.ceil(left / 1_000)) });
      }
    }
  };
  const perMinute = (): number => settings.current().limits.requestsPerMinute;
  /** Rows by principal that were read and not charged yet. */
  const uncharged = new Map<string, number>();

  async function chargeRows(key: string, rows: number): Promise<void> {
    const all = (uncharged.get(key) ?? 0) + rows;
    uncharged.set(key, all % ROWS);
    await charge(`scan:${key}`, Math.floor(all / ROWS), perMinute());
  }

  return {
    charge: (principal, cost) => charge(principalKey(principal), cost, perMinute()),
    scan: (principal, signal, then) => ({
      owner: principalKey(principal),
      signal,
      async charge(rows) {
        try {
          await chargeRows(principalKey(principal), rows);
        } catch (error) {
          if (then === 'refuse' || !(error instanceof ProblemError)) throw error;
          await sleep((error.retryAfterSeconds ?? 1) * 1_000, undefined, { signal }).catch(() => undefined);
        }
      },
    }),
    chargeAddress: (req, asPage = false) =>
      asPage
        ? charge(`page:${addressKey(req)}`, 1, anonymousPerMinute * PAGES)
        : charge(`address:${addressKey(req)}`, 1, anonymousPerMinute),
    close: () => store.shutdown(),
  };
}

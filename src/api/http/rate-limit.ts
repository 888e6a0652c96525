import type { Request } from 'express';
import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import type { SettingsSource } from '../../core/settings.ts';
import { principalKey, type Principal } from '../principal.ts';
import { ProblemError } from '../problem.ts';

const WINDOW_MS = 60_000;
/** Pages that one address may look at for each request that it may try a credential with. */
const PAGES = 10;

export interface RateLimiter {
  /** Counts a request; `cost` is what it stands for. Throws `rate_limited`. */
  charge(principal: Principal, cost: number): Promise<void>;
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
  return {
    charge: (principal, cost) => charge(principalKey(principal), cost, settings.current().limits.requestsPerMinute),
    chargeAddress(req, asPage = false) {
      const address = ipKeyGenerator(req.ip ?? '');
      return asPage
        ? charge(`page:${address}`, 1, anonymousPerMinute * PAGES)
        : charge(`address:${address}`, 1, anonymousPerMinute);
    },
    close: () => store.shutdown(),
  };
}

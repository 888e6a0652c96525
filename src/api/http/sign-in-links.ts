import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../deps.ts';

/** Milliseconds that a link is good for. */
const GOOD_FOR = 10 * 60_000;
const MAX_OPEN = 1_000;

/** Single-use sign-in tokens, kept in this process alone and only as hashes. */
export interface SignInLinks {
  /** A token (`hpl_…`) that signs one reviewer in once, within ten minutes. */
  issue(reviewerId: string): string;
  /** The reviewer that the token was issued for; a second call with the same token finds nothing. */
  redeem(token: string): string | undefined;
}

export function createSignInLinks(clock: Clock): SignInLinks {
  const open = new Map<string, { readonly reviewerId: string; readonly until: number }>();
  const hash = (token: string): string => createHash('sha256').update(token).digest('hex');
  return {
    issue(reviewerId) {
      for (const [key, link] of open) if (link.until <= clock.now()) open.delete(key);
      if (open.size >= MAX_OPEN) throw new RangeError('too many open sign-in links');
      const token = `hpl_${randomBytes(32).toString('base64url')}`;
      open.set(hash(token), { reviewerId, until: clock.now() + GOOD_FOR });
      return token;
    },
    redeem(token) {
      const key = hash(token);
      const link = open.get(key);
      open.delete(key);
      return link !== undefined && clock.now() < link.until ? link.reviewerId : undefined;
    },
  };
}

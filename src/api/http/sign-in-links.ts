import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { principalIdSchema } from '../../contract/ids.ts';
import type { SessionStore } from '../../ports/sessions.ts';
import { isSameSecret } from './auth.ts';
import type { Clock } from '../service/context.ts';
import { isoOf } from '../../domain/deadline.ts';

/** Milliseconds that a link is good for. */
const GOOD_FOR = 10 * 60_000;
/** That a link was used is remembered longer than it is good for: clocks of api processes differ. */
const REMEMBERED_FOR = GOOD_FOR + 3_600_000;

/** Single-use sign-in tokens: signed, so that any api process can redeem them, and used up in the database. */
export interface SignInLinks {
  /** A token (`hpl_…`) that signs one reviewer in once, within ten minutes. */
  issue(reviewerId: string): string;
  /** The reviewer that the token was issued for; a second call with the same token finds nothing, in any process. */
  redeem(token: string): Promise<string | undefined>;
}

interface SignInLinksDeps {
  /** The same in every api process. Where it changes, the links before are void. */
  readonly secret: () => string;
  readonly store: Pick<SessionStore, 'useOnce'>;
  readonly clock: Clock;
}

const claimSchema = z.tuple([principalIdSchema, z.int(), z.string().length(22)]);

/** As {@link SignInLinks.issue}; takes no database, so that whoever has the secret can issue one. `now`: epoch ms. */
export function issueSignInToken(secret: string, reviewerId: string, now: number): string {
  const claim = [reviewerId, now + GOOD_FOR, randomBytes(16).toString('base64url')];
  const body = Buffer.from(JSON.stringify(claim)).toString('base64url');
  return `hpl_${body}${sign(secret, body).toString('base64url')}`;
}

function sign(secret: string, body: string): Buffer {
  return createHmac('sha256', secret).update(`holdpoint sign-in link v1\n${body}`).digest();
}

export function createSignInLinks({ secret, store, clock }: SignInLinksDeps): SignInLinks {
  return {
    issue: (reviewerId) => issueSignInToken(secret(), reviewerId, clock.now()),
    async redeem(token) {
      const [, body, mac] = /^hpl_([A-Za-z0-9_-]{1,400})([A-Za-z0-9_-]{43})$/.exec(token) ?? [];
      if (body === undefined || mac === undefined) return undefined;
      if (!isSameSecret(Buffer.from(mac, 'base64url'), sign(secret(), body))) return undefined;
      const [reviewerId, until, nonce] = claimSchema.parse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
      const now = clock.now();
      if (now >= until) return undefined;
      return (await store.useOnce(`link:${nonce}`, isoOf(now + REMEMBERED_FOR), isoOf(now))) ? reviewerId : undefined;
    },
  };
}

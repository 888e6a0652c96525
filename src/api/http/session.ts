import { createHash, randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { getIronSession, type IronSession } from 'iron-session';
import type { ReviewerConfig } from '../../contract/config.ts';
import type { SessionMethod } from '../../contract/api.ts';
import { findWithheldGroups } from '../../domain/withheld-groups.ts';
import type { SessionStore, StoredSession } from '../../ports/sessions.ts';
import { findReviewer, type Settings, type SettingsSource } from '../../domain/policy/settings.ts';
import type { Clock } from '../service/context.ts';
import { isoOf } from '../../domain/deadline.ts';
import type { OpenSession, ReviewerPrincipal } from '../principal.ts';
import { cookieFor } from './addresses.ts';

/** A session ends after so long, and earlier after so long without a request. Ms. */
export const SESSION_LIFETIME = 12 * 3_600_000;
export const SESSION_IDLE = 3_600_000;
/** The last use is written down no more often than this: reading stays reading. Ms. */
const TOUCH_AFTER = 60_000;

/** All that the encrypted cookie holds; what the session is stands in the database, where it can be ended. */
interface CookieData {
  id?: string;
  csrfToken?: string;
}

export interface SignedIn {
  readonly reviewer: ReviewerConfig;
  readonly method: SessionMethod;
  /** Groups that the identity provider told of; null: it was not asked. */
  readonly claimedGroups: readonly string[] | null;
}

type SessionPrincipal = ReviewerPrincipal & { readonly session: OpenSession };

/** Sessions of the dashboard, over any number of api processes. */
export interface Sessions {
  /** The session of a request, if it is open and its reviewer is still in force. Rejects where storage cannot say. */
  read(req: Request, res: Response): Promise<SessionPrincipal | undefined>;
  begin(req: Request, res: Response, signedIn: SignedIn): Promise<SessionPrincipal>;
  end(req: Request, res: Response): Promise<void>;
  /** Ends every session of a reviewer, in every browser. */
  endAll(reviewerId: string): Promise<void>;
  /** Whether a session that was read before is still open. */
  isOpen(session: OpenSession): Promise<boolean>;
}

interface SessionsDeps {
  /** At least 32 characters, the same in every api process. Where it changes, the sessions before are over. */
  readonly secret: () => string;
  readonly settings: SettingsSource;
  readonly store: SessionStore;
  readonly clock: Clock;
}

export function createSessions({ secret, settings, store, clock }: SessionsDeps): Sessions {
  if (secret().length < 32) throw new RangeError('the session secret is too short');
  const cookieOf = (req: Request) => cookieFor(req, settings, { name: 'holdpoint_session', path: '/' });
  const open = (req: Request, res: Response): Promise<IronSession<CookieData>> => {
    const { name, ...scope } = cookieOf(req);
    return getIronSession<CookieData>(req, res, {
      password: secret(),
      cookieName: name,
      ttl: SESSION_LIFETIME / 1_000,
      cookieOptions: { httpOnly: true, sameSite: 'strict', ...scope },
    });
  };

  /** The reviewer as the configuration has it now: whoever left it, or lost a group, has lost it here too. */
  const judge = (stored: StoredSession | undefined): ReviewerConfig | undefined => {
    const now = clock.now();
    if (stored === undefined || now >= Date.parse(stored.endsAt)) return undefined;
    if (now >= Date.parse(stored.seenAt) + SESSION_IDLE) return undefined;
    const reviewer = findReviewer(settings.current(), stored.reviewerId);
    if (reviewer === undefined) return undefined;
    if (credentialOf(reviewer, stored.method, settings.current()) !== stored.credential) return undefined;
    return reviewer;
  };

  return {
    async read(req, res) {
      if (!(req.headers.cookie ?? '').includes(`${cookieOf(req).name}=`)) return undefined;
      const sealedWith = sha256(secret());
      const { id, csrfToken } = await open(req, res);
      if (id === undefined || csrfToken === undefined) return undefined;
      const idHash = sha256(id);
      const stored = await store.read(idHash);
      const reviewer = judge(stored);
      if (stored === undefined || reviewer === undefined) return undefined;
      const now = clock.now();
      const seenAt = Math.max(now, Date.parse(stored.seenAt));
      if (now >= Date.parse(stored.seenAt) + TOUCH_AFTER) await store.touch(idHash, isoOf(now));
      return principalOf(reviewer, { ...stored, seenAt: isoOf(seenAt) }, { idHash, sealedWith, csrfToken });
    },
    async begin(req, res, { reviewer, method, claimedGroups }) {
      const sealedWith = sha256(secret());
      const cookie = await open(req, res);
      // A new id at every sign-in, and the one before it ends: nobody keeps a session that was handed to them.
      if (cookie.id !== undefined) await store.end(sha256(cookie.id));
      const credential = credentialOf(reviewer, method, settings.current());
      if (credential === undefined) throw new TypeError('this sign-in method is not configured');
      const [id, csrfToken] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')];
      const now = clock.now();
      const stored: StoredSession = {
        reviewerId: reviewer.id,
        method,
        credential,
        claimedGroups,
        startedAt: isoOf(now),
        seenAt: isoOf(now),
        endsAt: isoOf(now + SESSION_LIFETIME),
      };
      await store.begin(sha256(id), stored);
      Object.assign(cookie, { id, csrfToken });
      await cookie.save();
      return principalOf(reviewer, stored, { idHash: sha256(id), sealedWith, csrfToken });
    },
    async end(req, res) {
      const cookie = await open(req, res);
      if (cookie.id !== undefined) await store.end(sha256(cookie.id));
      cookie.destroy();
    },
    endAll: async (reviewerId) => {
      await store.endAll(reviewerId);
    },
    isOpen: async ({ idHash, sealedWith }) =>
      sealedWith === sha256(secret()) && judge(await store.read(idHash)) !== undefined,
  };
}

function principalOf(
  reviewer: ReviewerConfig,
  { method, startedAt, seenAt, endsAt, claimedGroups }: StoredSession,
  cookie: Pick<OpenSession, 'idHash' | 'sealedWith' | 'csrfToken'>,
): SessionPrincipal {
  const idleEndsAt = isoOf(Math.min(Date.parse(seenAt) + SESSION_IDLE, Date.parse(endsAt)));
  const withheldGroups = claimedGroups === null ? [] : findWithheldGroups(reviewer.groups, claimedGroups);
  const session = { ...cookie, startedAt, idleEndsAt, endsAt, withheldGroups };
  return {
    kind: 'reviewer',
    id: reviewer.id,
    reviewer: withClaimed(reviewer, claimedGroups),
    method,
    channel: 'dashboard',
    session,
  };
}

/** What the identity provider says of groups takes away and never gives. */
function withClaimed(reviewer: ReviewerConfig, claimed: readonly string[] | null): ReviewerConfig {
  return claimed === null
    ? reviewer
    : { ...reviewer, groups: reviewer.groups.filter((group) => claimed.includes(group)) };
}

/** Ends a session when what it was begun with changes in the configuration. Undefined: that way in is no longer there. */
function credentialOf(reviewer: ReviewerConfig, method: SessionMethod, { oidc }: Settings): string | undefined {
  const fingerprint = (...parts: readonly unknown[]): string =>
    createHash('sha256')
      .update(JSON.stringify([method, ...parts.map((part) => part ?? null)]))
      .digest('base64url');
  switch (method) {
    case 'token':
      return fingerprint(reviewer.tokenSha256);
    case 'link':
      return fingerprint(reviewer.tokenSha256, reviewer.subject);
    case 'oidc':
      return oidc && fingerprint(reviewer.subject, oidc.issuer, oidc.clientId, oidc.groupsClaim);
    default:
      return method satisfies never;
  }
}

function sha256(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}

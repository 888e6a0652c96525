import { createHash, randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { getIronSession, type IronSession } from 'iron-session';
import type { ReviewerConfig } from '../../contract/config.ts';
import { findReviewer, type SettingsSource } from '../../core/settings.ts';
import type { ReviewerPrincipal } from '../principal.ts';

const COOKIE = 'holdpoint_session';
/** Seconds. */
const LIFETIME = 12 * 3_600;

interface SessionData {
  reviewerId?: string;
  csrfToken?: string;
  /** Ends the session when the reviewer's own credential is changed. */
  credential?: string;
}

interface ReadSession {
  readonly principal: ReviewerPrincipal;
  readonly csrfToken: string;
}

/** Sessions of the dashboard: all of it in an encrypted cookie, so that any api process can read it. */
export interface Sessions {
  /** The session of a request, if it is whole and its reviewer is still in force. */
  read(req: Request, res: Response): Promise<ReadSession | undefined>;
  /** Begins a session; returns its CSRF token. */
  begin(req: Request, res: Response, reviewer: ReviewerConfig): Promise<string>;
  end(req: Request, res: Response): Promise<void>;
}

/** `secret`: at least 32 characters, the same in every api process. */
export function createSessions(secret: string, settings: SettingsSource): Sessions {
  if (secret.length < 32) throw new RangeError('the session secret is too short');
  const open = (req: Request, res: Response): Promise<IronSession<SessionData>> => {
    const { publicUrl } = settings.current();
    return getIronSession<SessionData>(req, res, {
      password: secret,
      cookieName: COOKIE,
      ttl: LIFETIME,
      cookieOptions: {
        httpOnly: true,
        sameSite: 'strict',
        path: '/',
        secure: req.secure || (publicUrl?.startsWith('https:') ?? false),
      },
    });
  };
  return {
    async read(req, res) {
      if (!(req.headers.cookie ?? '').includes(`${COOKIE}=`)) return undefined;
      const { reviewerId, csrfToken, credential } = await open(req, res);
      if (reviewerId === undefined || csrfToken === undefined) return undefined;
      const reviewer = findReviewer(settings.current(), reviewerId);
      if (reviewer === undefined || credentialOf(reviewer) !== credential) return undefined;
      const principal = {
        kind: 'reviewer',
        id: reviewer.id,
        reviewer,
        method: 'session',
        channel: 'dashboard',
      } as const;
      return { principal, csrfToken };
    },
    async begin(req, res, reviewer) {
      const session = await open(req, res);
      const csrfToken = randomBytes(32).toString('base64url');
      Object.assign(session, { reviewerId: reviewer.id, csrfToken, credential: credentialOf(reviewer) });
      await session.save();
      return csrfToken;
    },
    async end(req, res) {
      (await open(req, res)).destroy();
    },
  };
}

function credentialOf(reviewer: ReviewerConfig): string {
  return createHash('sha256')
    .update(JSON.stringify([reviewer.tokenSha256, reviewer.subject]))
    .digest('base64url');
}

import type { Request, Response } from 'express';
import { getIronSession, type IronSession } from 'iron-session';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import type { OidcFlow } from '../sign-in/oidc.ts';
import { cookieFor } from './base-url.ts';

const COOKIE = { name: 'holdpoint_sign_in', path: '/v1/session/oidc' };
/** Seconds to sign in at the identity provider. */
const LIFETIME = 600;

/** Keeps a flow in an encrypted cookie of the browser that began it: the answer counts in no other browser. */
export interface SignInFlows {
  keep(req: Request, res: Response, flow: OidcFlow): Promise<void>;
  /** The flow of this browser, once: its cookie goes with the answer. */
  take(req: Request, res: Response): Promise<OidcFlow | undefined>;
}

export function createSignInFlows(secret: () => string, settings: SettingsSource): SignInFlows {
  const open = (req: Request, res: Response): Promise<IronSession<{ flow?: OidcFlow }>> => {
    const { name, ...scope } = cookieFor(req, settings, COOKIE);
    return getIronSession<{ flow?: OidcFlow }>(req, res, {
      password: secret(),
      cookieName: name,
      ttl: LIFETIME,
      // Lax: the browser comes back from another site, and a strict cookie would stay behind.
      cookieOptions: { httpOnly: true, sameSite: 'lax', ...scope },
    });
  };
  return {
    async keep(req, res, flow) {
      const cookie = await open(req, res);
      cookie.flow = flow;
      await cookie.save();
    },
    async take(req, res) {
      const cookie = await open(req, res);
      const { flow } = cookie;
      cookie.destroy();
      return flow;
    },
  };
}

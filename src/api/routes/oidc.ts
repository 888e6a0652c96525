import type { Request, Response } from 'express';
import { getIronSession, type IronSession } from 'iron-session';
import type { Logger } from 'pino';
import { baseUrlOf, cookieFor } from '../http/addresses.ts';
import { endpoint, type Endpoint, type Reply } from '../http/endpoint.ts';
import type { Sessions, SignedIn } from '../http/session.ts';
import type { WithheldGroup } from '../../domain/withheld-groups.ts';
import { ProblemError } from '../problem.ts';
import { explainConnectFailure } from '../../domain/connect-error.ts';
import { SignInError, type IdentityProvider } from '../sign-in/identity-provider.ts';
import { beginOidc, finishOidc, type OidcFlow } from '../sign-in/oidc.ts';
import { oidcReturnSchema, oidcStartQuerySchema } from '../../contract/api.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';

const START = '/v1/session/oidc';
const CALLBACK = `${START}/callback`;
/** Groups that were sent; some providers send hundreds. */
const MOST_LOGGED = 20;

interface OidcDeps {
  readonly settings: SettingsSource;
  readonly sessions: Sessions;
  readonly provider: IdentityProvider;
  readonly flows: ReturnType<typeof createSignInFlows>;
  readonly log: Logger;
}

/** Sign-in through the identity provider. A person is at the other end, so failures lead back to the page. */
export function oidcEndpoints({ settings, sessions, provider, flows, log }: OidcDeps): Endpoint[] {
  const onFailure = (error: unknown): Reply => {
    if (!(error instanceof SignInError)) throw error;
    if (error.code === 'not_configured') throw new ProblemError('not_found');
    // What the provider said may hold what it must not: its name alone is written down, and why it cannot be reached.
    const { cause, code } = error;
    const reason = code === 'unavailable' ? explainConnectFailure(cause).words : undefined;
    log.warn({ code, cause: cause instanceof Error ? cause.name : undefined, reason }, 'sign-in failed');
    return redirect(`/?signInError=${error.code}`);
  };
  /** The person is told by the page; the names, or the claim, are for an operator to set right. */
  const warnOfGroups = (withheld: readonly WithheldGroup[], { reviewer, claimedGroups }: SignedIn): void => {
    if (withheld.length === 0) return;
    const groupsClaim = settings.current().oidc?.groupsClaim;
    const sent = claimedGroups?.slice(0, MOST_LOGGED);
    log.warn(
      { reviewer: reviewer.id, groupsClaim, withheld, sent },
      'the identity provider does not name groups that the configuration gives this reviewer, who cannot vote for them: ' +
        'have it send their names exactly as reviewers[].groups has them, or correct these',
    );
  };
  return [
    endpoint({
      method: 'get',
      path: START,
      tag: 'Session',
      summary: 'Sign in through the identity provider',
      description:
        'For browsers: redirects to the provider of `oidc` in the configuration (authorization code flow with PKCE), and then back to `returnTo`. A failure redirects to `/?signInError=<code>`: `unavailable`, `denied`, `failed` or `not_a_reviewer`.',
      who: 'public',
      role: 'review',
      isCharged: true,
      query: oidcStartQuerySchema,
      answers: { 303: { description: 'To the identity provider, or back to the page with `signInError`' } },
      problems: ['not_found', 'rate_limited'],
      async handle({ query, req, res }) {
        try {
          const redirectUri = `${baseUrlOf(req, settings)}${CALLBACK}`;
          const { url, flow } = await beginOidc(provider, redirectUri, query.returnTo ?? '/');
          await flows.keep(req, res, flow);
          return redirect(url.href);
        } catch (error) {
          return onFailure(error);
        }
      },
    }),
    endpoint({
      method: 'get',
      path: CALLBACK,
      tag: 'Session',
      summary: 'Where the identity provider redirects the browser to',
      description: 'Starts a session for the reviewer whose `subject` is `issuer#sub` of the ID token.',
      who: 'public',
      role: 'review',
      isCharged: true,
      query: oidcReturnSchema,
      answers: { 303: { description: 'Back to the page, signed in or with `signInError`' } },
      problems: ['not_found', 'rate_limited', 'database_unavailable'],
      async handle({ query, req, res }) {
        try {
          const flow = await flows.take(req, res);
          if (flow === undefined) throw new SignInError('failed');
          const signedIn = await finishOidc(provider, settings, flow, new URLSearchParams(query));
          const { session } = await sessions.begin(req, res, signedIn);
          warnOfGroups(session.withheldGroups, signedIn);
          return redirect(flow.returnTo);
        } catch (error) {
          return onFailure(error);
        }
      },
    }),
  ];
}

function redirect(to: string): Reply {
  return { status: 303, headers: { Location: to } };
}

const COOKIE = { name: 'holdpoint_sign_in', path: '/v1/session/oidc' };
/** Seconds to sign in at the identity provider. */
const LIFETIME = 600;

/** Keeps a flow in an encrypted cookie of the browser that began it: the answer counts in no other browser. */
export function createSignInFlows(secret: () => string, settings: SettingsSource) {
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
    async keep(req: Request, res: Response, flow: OidcFlow): Promise<void> {
      const cookie = await open(req, res);
      cookie.flow = flow;
      await cookie.save();
    },
    /** The flow of this browser, once: its cookie goes with the answer. */
    async take(req: Request, res: Response): Promise<OidcFlow | undefined> {
      const cookie = await open(req, res);
      const { flow } = cookie;
      cookie.destroy();
      return flow;
    },
  };
}

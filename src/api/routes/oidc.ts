import type { Logger } from 'pino';
import type { z } from 'zod';
import { oidcReturnSchema, oidcStartQuerySchema } from '../../contract/sign-in.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import { baseUrlOf } from '../http/base-url.ts';
import { endpoint, type Endpoint, type Reply } from '../http/endpoint.ts';
import type { Sessions } from '../http/session.ts';
import type { SignInFlows } from '../http/sign-in-flow.ts';
import { ProblemError } from '../problem.ts';
import { SignInError } from '../sign-in/error.ts';
import type { IdentityProvider } from '../sign-in/identity-provider.ts';
import { beginOidc, finishOidc } from '../sign-in/oidc.ts';

const START = '/v1/session/oidc';
const CALLBACK = `${START}/callback`;

export interface OidcDeps {
  readonly settings: SettingsSource;
  readonly sessions: Sessions;
  readonly provider: IdentityProvider;
  readonly flows: SignInFlows;
  readonly log: Logger;
}

/** Sign-in through the identity provider. A person is at the other end, so failures lead back to the page. */
export function oidcEndpoints({ settings, sessions, provider, flows, log }: OidcDeps): Endpoint[] {
  const onFailure = (error: unknown): Reply => {
    if (!(error instanceof SignInError)) throw error;
    if (error.code === 'not_configured') throw new ProblemError('not_found');
    // What the provider said may hold what it must not: its name alone is written down.
    const { cause } = error;
    log.warn({ code: error.code, cause: cause instanceof Error ? cause.name : undefined }, 'sign-in failed');
    return redirect(`/?signInError=${error.code}`);
  };
  return [
    endpoint<'public', undefined, z.infer<typeof oidcStartQuerySchema>>({
      method: 'get',
      path: START,
      tag: 'Session',
      summary: 'Sign in through the identity provider',
      description:
        'For browsers: leads to the provider of `oidc` in the configuration (authorization code flow with PKCE), and after it back to `returnTo`. What fails leads to `/?signInError=<code>`: `unavailable`, `denied`, `failed` or `not_a_reviewer`.',
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
    endpoint<'public', undefined, z.infer<typeof oidcReturnSchema>>({
      method: 'get',
      path: CALLBACK,
      tag: 'Session',
      summary: 'Where the identity provider sends the browser back to',
      description: 'Begins a session for the reviewer whose `subject` is `issuer#sub` of the ID token.',
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
          await sessions.begin(req, res, signedIn);
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

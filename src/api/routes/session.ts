import { BODY_LIMITS } from '../../contract/constants.ts';
import {
  sessionResponseSchema,
  signInRequestSchema,
  signInWaysSchema,
  type SessionResponse,
  type SignInWays,
} from '../../contract/api.ts';
import { drillGroupsOf } from '../../domain/drill.ts';
import { isOperator } from '../../domain/freeze.ts';
import { findReviewer, type SettingsSource } from '../../domain/policy/settings.ts';
import { reviewerByToken } from '../http/auth.ts';
import { endpoint, ok, type Endpoint } from '../http/endpoint.ts';
import type { Sessions, SignedIn } from '../http/session.ts';
import type { SignInLinks } from '../http/sign-in-links.ts';
import type { ReviewerPrincipal } from '../principal.ts';
import { ProblemError } from '../problem.ts';

interface SessionDeps {
  readonly settings: SettingsSource;
  readonly sessions: Sessions;
  readonly signIn: SignInLinks;
}

export function sessionEndpoints({ settings, sessions, signIn }: SessionDeps): Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/session',
      tag: 'Session',
      summary: 'Sign in with a single-use link token or a reviewer’s token',
      description: 'Sets an HttpOnly, SameSite=Strict cookie.',
      who: 'public',
      role: 'review',
      body: signInRequestSchema,
      maxBody: BODY_LIMITS.signIn,
      answers: { 200: { description: 'Signed in', schema: sessionResponseSchema } },
      problems: ['unauthenticated', 'database_unavailable'],
      async handle({ body, req, res }) {
        const signedIn = await redeem(body.token, settings, signIn);
        if (signedIn === undefined) throw new ProblemError('unauthenticated');
        return ok(sessionOf(settings, await sessions.begin(req, res, signedIn)));
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/session',
      tag: 'Session',
      summary: 'Who is signed in',
      who: 'reviewer',
      answers: { 200: { description: 'The reviewer', schema: sessionResponseSchema } },
      problems: ['database_unavailable'],
      handle: ({ principal }) => ok(sessionOf(settings, principal)),
    }),
    endpoint({
      method: 'delete',
      path: '/v1/session',
      tag: 'Session',
      summary: 'Sign out',
      description: 'The session also ends on the server: a copy of its cookie is useless.',
      who: 'reviewer',
      role: 'review',
      answers: { 204: { description: 'The session has ended' } },
      problems: ['database_unavailable'],
      async handle({ req, res }) {
        await sessions.end(req, res);
        return { status: 204 };
      },
    }),
    endpoint({
      method: 'delete',
      path: '/v1/sessions',
      tag: 'Session',
      summary: 'Sign out everywhere',
      description: 'Ends every session of the reviewer in every browser. The reviewer’s own token stays valid.',
      who: 'reviewer',
      role: 'review',
      answers: { 204: { description: 'All sessions have ended' } },
      problems: ['database_unavailable'],
      async handle({ principal, req, res }) {
        await sessions.endAll(principal.id);
        await sessions.end(req, res);
        return { status: 204 };
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/session/ways',
      tag: 'Session',
      summary: 'How people can sign in',
      who: 'public',
      role: 'review',
      answers: { 200: { description: 'Methods besides a link and a token', schema: signInWaysSchema } },
      problems: [],
      handle: () => ok(waysOf(settings)),
    }),
  ];
}

async function redeem(token: string, settings: SettingsSource, signIn: SignInLinks): Promise<SignedIn | undefined> {
  const byToken = reviewerByToken(token, settings);
  if (byToken !== undefined) return { reviewer: byToken.reviewer, method: 'token', claimedGroups: null };
  const reviewerId = await signIn.redeem(token);
  const reviewer = reviewerId === undefined ? undefined : findReviewer(settings.current(), reviewerId);
  return reviewer && { reviewer, method: 'link', claimedGroups: null };
}

function sessionOf(settings: SettingsSource, { reviewer, method, session }: ReviewerPrincipal): SessionResponse {
  const isOfSession = method === 'token' || method === 'link' || method === 'oidc';
  return {
    reviewer: { id: reviewer.id, groups: reviewer.groups, role: reviewer.role ?? 'reviewer' },
    operator: isOperator(settings.current(), reviewer),
    drillGroups: [...drillGroupsOf(settings.current(), reviewer)],
    csrfToken: session?.csrfToken ?? null,
    session:
      session === undefined || !isOfSession
        ? null
        : {
            method,
            startedAt: session.startedAt,
            idleEndsAt: session.idleEndsAt,
            endsAt: session.endsAt,
            withheldGroups: [...session.withheldGroups],
          },
  };
}

function waysOf(settings: SettingsSource): SignInWays {
  const { oidc } = settings.current();
  return { oidc: oidc === undefined ? null : { issuer: oidc.issuer, start: '/v1/session/oidc' } };
}

import type { z } from 'zod';
import { sessionResponseSchema, signInRequestSchema, type SessionResponse } from '../../contract/api.ts';
import type { ReviewerConfig } from '../../contract/config.ts';
import { findReviewer, type SettingsSource } from '../../core/settings.ts';
import { reviewerByToken } from '../http/auth.ts';
import { endpoint, type Endpoint } from '../http/endpoint.ts';
import type { Sessions } from '../http/session.ts';
import type { SignInLinks } from '../http/sign-in-links.ts';
import { ProblemError } from '../problem.ts';

export interface SessionDeps {
  readonly settings: SettingsSource;
  readonly sessions: Sessions;
  readonly signIn: SignInLinks;
}

export function sessionEndpoints({ settings, sessions, signIn }: SessionDeps): Endpoint[] {
  return [
    endpoint<'public', z.infer<typeof signInRequestSchema>>({
      method: 'post',
      path: '/v1/session',
      tag: 'Session',
      summary: 'Sign in with a single-use link token or a reviewer’s token',
      description: 'Sets an HttpOnly, SameSite=Strict cookie.',
      who: 'public',
      body: signInRequestSchema,
      answers: { 200: { description: 'Signed in', schema: sessionResponseSchema } },
      problems: ['unauthenticated'],
      async handle({ body, req, res }) {
        const reviewer = redeem(body.token, settings, signIn);
        if (reviewer === undefined) throw new ProblemError('unauthenticated');
        return { status: 200, json: sessionOf(reviewer, await sessions.begin(req, res, reviewer)) };
      },
    }),
    endpoint<'reviewer'>({
      method: 'get',
      path: '/v1/session',
      tag: 'Session',
      summary: 'Who is signed in',
      who: 'reviewer',
      answers: { 200: { description: 'The reviewer', schema: sessionResponseSchema } },
      problems: [],
      async handle({ principal, req, res }) {
        const session = req.headers.authorization === undefined ? await sessions.read(req, res) : undefined;
        return { status: 200, json: sessionOf(principal.reviewer, session?.csrfToken ?? null) };
      },
    }),
    endpoint<'reviewer'>({
      method: 'delete',
      path: '/v1/session',
      tag: 'Session',
      summary: 'Sign out',
      who: 'reviewer',
      answers: { 204: { description: 'The cookie is gone' } },
      problems: [],
      async handle({ req, res }) {
        await sessions.end(req, res);
        return { status: 204 };
      },
    }),
  ];
}

function redeem(token: string, settings: SettingsSource, signIn: SignInLinks): ReviewerConfig | undefined {
  const byToken = reviewerByToken(token, settings);
  if (byToken !== undefined) return byToken.reviewer;
  const reviewerId = signIn.redeem(token);
  return reviewerId === undefined ? undefined : findReviewer(settings.current(), reviewerId);
}

function sessionOf(reviewer: ReviewerConfig, csrfToken: string | null): SessionResponse {
  return {
    reviewer: { id: reviewer.id, groups: reviewer.groups, role: reviewer.role ?? 'reviewer' },
    csrfToken,
  };
}

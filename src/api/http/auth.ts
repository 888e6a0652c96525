import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import type { Principal, ReviewerPrincipal } from '../principal.ts';
import { invalidHeader } from './body.ts';
import { ProblemError } from '../problem.ts';
import type { Sessions } from './session.ts';

/** Label that the command line puts on what it sends; a bearer token says `api` otherwise. */
export const CHANNEL_HEADER = 'holdpoint-channel';

/** Proves who sends a request. Undefined: no credential, or none that is in force now. */
export async function authenticate(
  req: Request,
  res: Response,
  deps: { readonly settings: SettingsSource; readonly sessions: Sessions },
): Promise<Principal | undefined> {
  const { authorization } = req.headers;
  // A header that does not hold is not made good by a cookie.
  if (authorization !== undefined) return byBearer(authorization, req, deps.settings);
  const principal = await deps.sessions.read(req, res);
  if (principal === undefined) return undefined;
  if (req.method !== 'GET' && req.method !== 'HEAD') checkCsrf(req, principal.session.csrfToken);
  return principal;
}

/** How to authenticate, for the sender of a request without a valid credential. Tells only what the request itself holds. */
export function explainNoCredential({ headers: { authorization, cookie } }: Request): string {
  const way = 'Send the header Authorization: Bearer, with an agent’s key (hpk_…) or a reviewer’s token (hpr_…).';
  if (authorization === undefined) {
    return cookie?.includes('holdpoint_session') === true
      ? 'The session has ended. Sign in again.'
      : `There is no credential. ${way}`;
  }
  if (!/^Bearer hp[kr]_/i.test(authorization)) return `This is no credential of Holdpoint. ${way}`;
  return 'The configuration in force has no such key. Is it of another Holdpoint, or was it replaced?';
}

/** A reviewer by the whole token (`hpr_…`). */
export function reviewerByToken(token: string, settings: SettingsSource): ReviewerPrincipal | undefined {
  if (!token.startsWith('hpr_')) return undefined;
  const reviewer = findByHash(settings.current().reviewers, token, (candidate) => candidate.tokenSha256);
  return reviewer && { kind: 'reviewer', id: reviewer.id, reviewer, method: 'token', channel: 'api' };
}

function byBearer(authorization: string, req: Request, settings: SettingsSource): Principal | undefined {
  const token = /^Bearer ([A-Za-z0-9_\-.~+/=]{1,512})$/i.exec(authorization)?.[1];
  if (token === undefined) return undefined;
  if (token.startsWith('hpk_')) {
    const agent = findByHash(settings.current().agents, token, (candidate) => candidate.keySha256);
    return agent && { kind: 'agent', id: agent.id, agent };
  }
  const reviewer = reviewerByToken(token, settings);
  return reviewer && { ...reviewer, channel: channelOf(req) };
}

function channelOf(req: Request): 'api' | 'cli' {
  const channel = req.get(CHANNEL_HEADER) ?? 'api';
  if (channel === 'api' || channel === 'cli') return channel;
  throw invalidHeader(CHANNEL_HEADER, 'must be api or cli');
}

/** Compares with every hash in constant time: which one nearly matched is not told by the clock. */
function findByHash<T>(
  candidates: readonly T[],
  token: string,
  hashOf: (candidate: T) => string | undefined,
): T | undefined {
  const presented = createHash('sha256').update(token).digest();
  let found: T | undefined;
  for (const candidate of candidates) {
    const hash = hashOf(candidate);
    if (hash !== undefined && timingSafeEqual(Buffer.from(hash, 'hex'), presented)) found = candidate;
  }
  return found;
}

function checkCsrf(req: Request, expected: string): void {
  if (isSameSecret(Buffer.from(req.get('x-csrf-token') ?? ''), Buffer.from(expected))) return;
  throw new ProblemError('forbidden', { detail: 'The CSRF token is missing or wrong.' });
}

/** In constant time for any `given` of the right length. */
export function isSameSecret(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

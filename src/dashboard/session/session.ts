import { createContext, use } from 'react';
import { queryOptions } from '@tanstack/react-query';
import type { SessionResponse } from '../../contract/api.ts';
import { RequestError, sessionFetch, setCsrfToken } from '../data/client.ts';

export type Session = SessionResponse;

/** Null: not signed in. */
export const sessionQuery = queryOptions({
  queryKey: ['session'] as const,
  queryFn: readSession,
  staleTime: Number.POSITIVE_INFINITY,
});

async function readSession(): Promise<Session | null> {
  const response = await sessionFetch('/v1/session');
  if (response.status === 401) return null;
  if (!response.ok) throw new RequestError(response.status);
  return keep((await response.json()) as Session);
}

/** Signs in with a link's token or a reviewer's token; undefined: it is not valid, or no longer. */
export async function signIn(token: string): Promise<Session | undefined> {
  const response = await sessionFetch('/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  if (response.status === 401 || response.status === 400) return undefined;
  if (!response.ok) throw new RequestError(response.status);
  return keep((await response.json()) as Session);
}

export async function signOut(): Promise<void> {
  await end('/v1/session');
}

/** Ends every session of this reviewer, in every browser. */
export async function signOutEverywhere(): Promise<void> {
  await end('/v1/sessions');
}

/** Only the expected answer means signed out; after any other, the session may still exist. */
async function end(path: string): Promise<void> {
  const response = await sessionFetch(path, { method: 'DELETE' });
  if (!response.ok && response.status !== 401) throw new RequestError(response.status);
  setCsrfToken(null);
}

function keep(session: Session): Session {
  setCsrfToken(session.csrfToken);
  return session;
}

export const SessionContext = createContext<Session | undefined>(undefined);

/** Who is signed in; for components inside the shell. */
export function useSession(): Session {
  const session = use(SessionContext);
  if (session === undefined) throw new Error('drawn outside of a session');
  return session;
}

/** The single-use token of a sign-in link (`/#token=hpl_…`), taken out of the address bar and the history. */
export function takeSignInToken(
  location: Pick<Location, 'hash' | 'pathname' | 'search'>,
  history: Pick<History, 'replaceState'>,
): string | undefined {
  if (location.hash === '') return undefined;
  const token = /^#(?:token=)?(hpl_[A-Za-z0-9_-]+)$/.exec(location.hash)?.[1];
  if (token !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return token;
}

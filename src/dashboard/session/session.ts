import { createContext, use } from 'react';
import { queryOptions, type QueryClient } from '@tanstack/react-query';
import type { SessionResponse } from '../../contract/api.ts';
import { lastAnsweredAt, RequestError, sessionFetch, setCsrfToken } from '../data/client.ts';
import { createStore } from '../data/store.ts';
import { forgetTypedOfOthers } from '../decide/kept.ts';

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

/**
 * Ends the session, or every one of this reviewer, in every browser. Only the expected answer means signed out; after any
 * other, the session may still exist.
 */
export async function signOut(which: 'session' | 'sessions'): Promise<void> {
  const response = await sessionFetch(`/v1/${which}`, { method: 'DELETE' });
  if (!response.ok && response.status !== 401) throw new RequestError(response.status);
  setCsrfToken(null);
  reviewer = undefined;
  forgetTypedOfOthers();
}

/** Who was signed in last in this page, unless they signed out: their session may have ended in the middle of something. */
let reviewer: string | undefined;
/** When the session was last read, by the server's clock. Epoch ms. */
let readAt = 0;

export function endedSessionOf(): string | undefined {
  return reviewer;
}

function keep(session: Session): Session {
  setCsrfToken(session.csrfToken);
  reviewer = session.reviewer.id;
  readAt = lastAnsweredAt();
  forgetTypedOfOthers(reviewer);
  return session;
}

/** Shows the page to a person who has signed in. What another one read must not be shown to them. */
export function startSession(queries: QueryClient, session: Session): void {
  forgetData(queries);
  queries.setQueryData(sessionQuery.queryKey, session);
}

/** Drops all that was read in a session. */
export function forgetData(queries: QueryClient): void {
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
}

/** The server writes down the last use of a session no more often than this. Ms. */
const TOUCHED_EVERY = 60_000;

/** When a session ends, epoch ms: at the latest, and without another request. */
export function sessionEnds({ session }: Session): { readonly last: number; readonly unused: number } | undefined {
  if (session === null) return undefined;
  const last = Date.parse(session.endsAt);
  const used = Math.max(0, lastAnsweredAt() - readAt - TOUCHED_EVERY);
  return { last, unused: Math.min(last, Date.parse(session.idleEndsAt) + used) };
}

export const SessionContext = createContext<Session | undefined>(undefined);

/** Who is signed in; for components inside the shell. */
export function useSession(): Session {
  const session = use(SessionContext);
  if (session === undefined) throw new Error('drawn outside of a session');
  return session;
}

/** The token of a sign-in link that was opened and is not redeemed yet. */
export const signInToken = createStore<string | undefined>(undefined);

/** Takes tokens from the address, now and whenever a link is pasted into the open tab. */
export function watchForSignInLinks(): void {
  const take = (): void => {
    const token = takeSignInToken(location, history);
    if (token !== undefined) signInToken.set(token);
  };
  take();
  window.addEventListener('hashchange', take);
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

import { Holdpoint } from '../../client/index.ts';
import { parseExactJson } from '../../contract/exact-number.ts';
import { noteServerDate, serverNow } from './clock.ts';
import { setConnection } from './connection.ts';

/** CSRF token of the session; sent with every request that changes something. */
let csrfToken: string | null = null;
let onSignedOut: () => void = () => undefined;
let onStreamOpened: () => void = () => undefined;
let answeredAt = 0;

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Called when a request is answered 401: the session has ended, wherever that was noticed. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/** Called when the stream of changes is open from now on: what came before has to be read again. */
export function whenStreamOpened(listener: () => void): void {
  onStreamOpened = listener;
}

/** When the server last answered a request, by its own clock (epoch ms): a session that is not used ends. */
export function lastAnsweredAt(): number {
  return answeredAt;
}

/** `fetch` with the session's cookie in place of a key. */
export async function sessionFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.delete('authorization');
  if (csrfToken !== null) headers.set('x-csrf-token', csrfToken);
  const { pathname } = new URL(input instanceof Request ? input.url : input, location.origin);
  const isStream = pathname === '/v1/events';
  try {
    const response = await fetch(input, { ...init, headers, credentials: 'same-origin' });
    noteServerDate(response.headers.get('date'));
    answeredAt = serverNow();
    // A link or a token that is refused ends no session.
    if (response.status === 401 && pathname !== '/v1/session') onSignedOut();
    if (isStream && response.ok) {
      setConnection('live');
      onStreamOpened();
    }
    return response;
  } catch (error) {
    if (isStream && init.signal?.aborted !== true) setConnection(navigator.onLine ? 'lost' : 'offline');
    throw error;
  }
}

/** The one way to the API: the TypeScript client, on the session. */
export const client = new Holdpoint({
  url: location.origin,
  apiKey: 'session',
  fetch: sessionFetch,
  parseJson: parseExactJson,
  retry: { retries: 2, maxDelay: 3_000 },
});

/** For routes that the client does not have. Throws `HoldpointError`-like problems as they are. */
export async function getJson<T>(path: string): Promise<T> {
  const response = await sessionFetch(path, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new RequestError(response.status);
  return parseExactJson(await response.text()) as T;
}

export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;

  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

import { lookup as dnsLookup } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import { isPublicAddress } from './address.ts';
import { readBody, type BodyRead } from './body.ts';

interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}
/** Resolves a host name to all its addresses. */
export type Resolver = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export const systemResolver: Resolver = async (hostname) =>
  (await dnsLookup(hostname, { all: true, verbatim: true })) as readonly ResolvedAddress[];

export interface ExchangeRequest {
  readonly method: string;
  readonly url: string;
  /** Lower-case names; the credential is among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ExchangeOptions {
  readonly resolve: Resolver;
  readonly allowPrivateAddresses: boolean;
  /** Epoch ms; checked when the connection stands and nothing has been sent. */
  readonly sendBy: number;
  /** Ends the exchange. */
  readonly signal: AbortSignal;
}

export type ExchangeResult =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: BodyRead;
      readonly retryAfter: string | null;
      /** The target says that it had stored this answer under the idempotency key (`Idempotent-Replayed: true`). */
      readonly isReplayed: boolean;
    }
  /** Not one byte of the request left. */
  | { readonly kind: 'not_sent'; readonly why: 'refused' | 'unreachable' | 'stale' | 'invalid' }
  /** The request may have arrived; no answer came back. */
  | { readonly kind: 'lost' };

class NotSent extends Error {
  readonly why: 'refused' | 'stale';
  constructor(why: 'refused' | 'stale') {
    super(why);
    this.why = why;
  }
}

/**
 * One request on one fresh connection. Fresh, because what breaks before the connection stands is known not to have
 * arrived, and because a kept connection may be dead already. Redirects are answers like others; nothing is retried.
 */
export async function exchange(request: ExchangeRequest, options: ExchangeOptions): Promise<ExchangeResult> {
  const url = new URL(request.url);
  const attempt = { handedOver: false };
  const client = new Client(url.origin, { connect: guardedConnector(options, attempt), pipelining: 1 });
  try {
    const answer = await client.request({
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers: { ...request.headers },
      body: request.body ?? null,
      signal: options.signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const retryAfter = answer.headers['retry-after'];
    return {
      kind: 'answer',
      status: answer.statusCode,
      body: await readBody(answer.body, answer.headers),
      retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
      isReplayed: answer.headers['idempotent-replayed'] === 'true',
    };
  } catch (error) {
    if (attempt.handedOver) return { kind: 'lost' };
    if (error instanceof NotSent) return { kind: 'not_sent', why: error.why };
    return { kind: 'not_sent', why: isArgumentError(error) ? 'invalid' : 'unreachable' };
  } finally {
    client.destroy().catch(() => undefined);
  }
}

/** Connects to addresses that were checked, and to no others: the name is resolved once, by the connection itself. */
export function guardedConnector(options: ExchangeOptions, attempt: { handedOver: boolean }): buildConnector.connector {
  const connect = buildConnector({
    lookup: guardedLookup(options),
    autoSelectFamily: true,
    maxCachedSessions: 0,
    // The signal's deadline rules; undici's own limit would only hide which it was.
    timeout: 0,
  });
  return (target, callback) => {
    if (isIP(target.hostname) !== 0 && !options.allowPrivateAddresses && !isPublicAddress(target.hostname)) {
      callback(new NotSent('refused'), null);
      return;
    }
    const socket = connect(target, (...result) => {
      const [error, connected] = result;
      if (error !== null) return callback(error, null);
      options.signal.removeEventListener('abort', abandon);
      if (options.signal.aborted || Date.now() > options.sendBy) {
        connected.destroy();
        return callback(new NotSent('stale'), null);
      }
      attempt.handedOver = true;
      callback(null, connected);
    }) as unknown as Socket;
    // With an error, so that undici hears of it: it waits for a connection that is merely gone.
    const abandon = (): unknown => socket.destroy(new NotSent('stale'));
    options.signal.addEventListener('abort', abandon, { once: true });
  };
}

/** All addresses of the name must be allowed: a name that mixes public and private ones is an attempt. */
function guardedLookup(options: ExchangeOptions): LookupFunction {
  return (hostname, lookupOptions, callback) => {
    options.resolve(hostname).then(
      (addresses) => {
        const first = addresses[0];
        if (first === undefined) return callback(new Error('no address'), '', 0);
        if (!options.allowPrivateAddresses && !addresses.every(({ address }) => isPublicAddress(address))) {
          return callback(new NotSent('refused'), '', 0);
        }
        if (lookupOptions.all === true) return callback(null, [...addresses]);
        return callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error('lookup failed'), '', 0),
    );
  };
}

/** undici refuses what cannot be written as HTTP (a header value with a line break, say) before it connects. */
function isArgumentError(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'UND_ERR_INVALID_ARG';
}

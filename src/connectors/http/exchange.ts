import { lookup as dnsLookup } from 'node:dns/promises';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import { isPublicAddress } from '../../domain/addresses.ts';
import { explainConnectFailure, ProxyError, type ConnectFailure } from '../../domain/connect-error.ts';
import type { Destination, FindProxy } from '../../domain/proxy.ts';
import { readRetryAfter } from '../../domain/retry-after.ts';
import { readBody, type BodyRead } from './read-body.ts';
import { openTunnel } from './tunnel.ts';
import { failed, notNow, type FailedResult, TOO_LATE } from '../answer.ts';
import { traceRequest } from '../trace.ts';

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
  readonly proxy: FindProxy;
  /** Epoch ms; checked once connected, before anything is sent. */
  readonly sendBy: number;
  /** Ends the exchange. */
  readonly signal: AbortSignal;
}

export type ExchangeResult =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: BodyRead;
      /** Lower-case names. */
      readonly headers: Readonly<Record<string, string | undefined>>;
      /** How long the target asks not to be called again, ms. */
      readonly retryAfterMs: number | undefined;
      /** The target says that it had stored this answer under the idempotency key (`Idempotent-Replayed: true`). */
      readonly isReplayed: boolean;
    }
  /** Not one byte of the request left. */
  | { readonly kind: 'not_sent'; readonly why: 'refused' | 'stale' | 'invalid' }
  | ({ readonly kind: 'not_sent'; readonly why: 'unreachable' | 'untrusted' } & Pick<ConnectFailure, 'words'>)
  /** The request may have arrived; no answer came back. */
  | { readonly kind: 'lost' };

class NotSent extends Error {
  readonly result: NotSentResult;
  constructor(result: NotSentResult) {
    super(result.why);
    this.result = result;
  }
}

const REFUSED: NotSentResult = { kind: 'not_sent', why: 'refused' };
const STALE: NotSentResult = { kind: 'not_sent', why: 'stale' };

/**
 * One request on a new connection. If connecting fails, the request is known not to have arrived; a reused connection may
 * already be dead. Redirects are ordinary answers; nothing is retried.
 */
export function exchange(request: ExchangeRequest, options: ExchangeOptions): Promise<ExchangeResult> {
  const url = new URL(request.url);
  return traceRequest(
    request.method,
    url,
    (headers) => send(url, { ...request, headers: { ...headers, ...request.headers } }, options),
    (result) => (result.kind === 'answer' ? result.status : undefined),
  );
}

async function send(url: URL, request: ExchangeRequest, options: ExchangeOptions): Promise<ExchangeResult> {
  const attempt = { handedOver: false };
  const client = new Client(url.origin, { connect: guardedConnector(options, attempt), pipelining: 1 });
  try {
    const answer = await client.request({
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers: request.headers,
      body: request.body ?? null,
      signal: options.signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const headers = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    );
    return {
      kind: 'answer',
      status: answer.statusCode,
      body: await readBody(answer.body, answer.headers),
      headers,
      retryAfterMs: retryAfterOf(headers, Date.now()),
      isReplayed: headers['idempotent-replayed'] === 'true',
    };
  } catch (error) {
    if (attempt.handedOver) return { kind: 'lost' };
    return notSentFor(error);
  } finally {
    client.destroy().catch(() => undefined);
  }
}

/** `Retry-After`; without one the time at which a limit that is used up begins anew (GitHub: seconds since 1970). */
function retryAfterOf(headers: Readonly<Record<string, string | undefined>>, now: number): number | undefined {
  const reset = headers['x-ratelimit-remaining'] === '0' ? Number(headers['x-ratelimit-reset']) * 1_000 - now : NaN;
  return readRetryAfter(headers['retry-after'] ?? null, now) ?? (reset > 0 && reset <= DAY_MS ? reset : undefined);
}

const DAY_MS = 86_400_000;

type NotSentResult = Extract<ExchangeResult, { kind: 'not_sent' }>;

function notSentFor(error: unknown): NotSentResult {
  if (isArgumentError(error)) return { kind: 'not_sent', why: 'invalid' };
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof NotSent) return at.result;
  }
  const { kind, words } = explainConnectFailure(error);
  return { kind: 'not_sent', why: kind, words };
}

/** Connects and sends nothing; the failure if that is not possible. */
export function tryConnect(address: string, options: ExchangeOptions): Promise<FailedResult | undefined> {
  const { protocol, hostname, host, port } = new URL(address);
  const target = { protocol, hostname: hostname.replaceAll(/^\[|\]$/g, ''), host, port };
  return new Promise((resolve) => {
    guardedConnector(options, { handedOver: false })(target, (...[error, socket]) => {
      socket?.destroy();
      resolve(error === null ? undefined : failedToConnect(error));
    });
  });
}

/** The failure of a call whose connection could not be made; `error` as a library wrapped it. */
export function failedToConnect(error: unknown): FailedResult {
  return failedToSend(notSentFor(error));
}

/** The failure of a call of which nothing was sent. */
export function failedToSend(result: NotSentResult): FailedResult {
  switch (result.why) {
    case 'refused':
      return failed('target_refused');
    case 'unreachable':
    case 'untrusted':
      return notNow('target_unreachable', result.words);
    case 'stale':
      return TOO_LATE;
    case 'invalid':
      return failed('invalid_call');
    default:
      return result satisfies never;
  }
}

/**
 * Connects only to addresses that were checked: the name is resolved once, by the connection itself. A proxy is asked for
 * the address that was checked; where the address is free, for the host by its name.
 */
export function guardedConnector(options: ExchangeOptions, attempt: { handedOver: boolean }): buildConnector.connector {
  const connect = buildConnector({
    lookup: guardedLookup(options),
    autoSelectFamily: true,
    maxCachedSessions: 0,
    // The signal's deadline counts; undici's own limit would only hide which one it was.
    timeout: 0,
  });
  return (target, callback) => {
    if (isIP(target.hostname) !== 0 && !options.allowPrivateAddresses && !isPublicAddress(target.hostname)) {
      callback(new NotSent(REFUSED), null);
      return;
    }
    const open = (over: Pick<buildConnector.Options, 'httpSocket'>): void => {
      const socket = connect({ ...target, ...over }, (...result) => {
        const [error, connected] = result;
        options.signal.removeEventListener('abort', abandon);
        if (error !== null) return callback(error, null);
        if (options.signal.aborted || Date.now() > options.sendBy) {
          connected.destroy();
          return callback(new NotSent(STALE), null);
        }
        attempt.handedOver = true;
        callback(null, connected);
      }) as unknown as Socket;
      // With an error, so that undici notices: otherwise it keeps waiting for the connection.
      const abandon = (): unknown => socket.destroy(new NotSent(STALE));
      options.signal.addEventListener('abort', abandon, { once: true });
    };
    const proxy = options.proxy(target);
    if (proxy === undefined) return open({});
    openTunnelTo(target, proxy, options).then(
      (httpSocket) => open({ httpSocket }),
      (error: unknown) => callback(options.signal.aborted ? new NotSent(STALE) : (error as Error), null),
    );
  };
}

async function openTunnelTo({ hostname, port }: Destination, proxy: URL, options: ExchangeOptions): Promise<Socket> {
  const isFree = options.allowPrivateAddresses || isIP(hostname) !== 0;
  const host = isFree ? hostname : (await resolveForProxy(hostname, options))[0].address;
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port === '' ? '443' : port}`;
  return openTunnel(proxy, authority, options.signal, isFree ? '' : BY_NAME);
}

const BY_NAME = '; with allowPrivateAddresses: true it is asked for the host by name, and the address is not checked';

async function resolveForProxy(hostname: string, options: ExchangeOptions): ReturnType<typeof resolveChecked> {
  try {
    return await resolveChecked(hostname, options);
  } catch (error) {
    if (error instanceof NotSent) throw error;
    throw new ProxyError(
      `${explainConnectFailure(error).words}. The address is checked before the proxy is asked for it${BY_NAME}`,
    );
  }
}

function guardedLookup(options: ExchangeOptions): LookupFunction {
  return (hostname, lookupOptions, callback) => {
    resolveChecked(hostname, options).then(
      (addresses) => {
        const [first] = addresses;
        if (lookupOptions.all === true) return callback(null, [...addresses]);
        return callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error('lookup failed'), '', 0),
    );
  };
}

/** All addresses of the name must be allowed: a mix of public and private ones is suspicious. */
async function resolveChecked(
  hostname: string,
  { resolve, allowPrivateAddresses }: ExchangeOptions,
): Promise<readonly [ResolvedAddress, ...ResolvedAddress[]]> {
  const [first, ...others] = await resolve(hostname);
  if (first === undefined) throw new Error('no address');
  const addresses = [first, ...others] as const;
  if (!allowPrivateAddresses && !addresses.every(({ address }) => isPublicAddress(address))) throw new NotSent(REFUSED);
  return addresses;
}

/** undici refuses what cannot be written as HTTP (a header value with a line break, say) before it connects. */
function isArgumentError(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'UND_ERR_INVALID_ARG';
}

import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import { explainConnectFailure, ProxyError } from '../../domain/connect-error.ts';

/**
 * Has a proxy connect to `host:port` (CONNECT, RFC 9110, 9.3.6); what is sent then passes through it unread. `advice` ends the
 * words about a refusal.
 */
export function openTunnel(proxy: URL, authority: string, signal: AbortSignal, advice: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const send = proxy.protocol === 'https:' ? requestHttps : requestHttp;
    const request = send({
      protocol: proxy.protocol,
      hostname: proxy.hostname.replaceAll(/^\[|\]$/g, ''),
      port: proxy.port,
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...authorizationOf(proxy) },
      agent: false,
      signal,
    });
    request.once('connect', ({ statusCode = 0 }, socket: Socket) => {
      if (statusCode >= 200 && statusCode <= 299) return resolve(socket);
      socket.destroy();
      reject(new ProxyError(refusalWords(statusCode, authority) + advice));
    });
    // A proxy that does not know CONNECT answers as to any other request.
    request.once('response', ({ statusCode = 0 }) => {
      request.destroy();
      reject(new ProxyError(refusalWords(statusCode, authority) + advice));
    });
    request.once('error', (error) => {
      reject(
        signal.aborted ? error : new ProxyError(`The proxy of HTTPS_PROXY: ${explainConnectFailure(error).words}`),
      );
    });
    request.end();
  });
}

function authorizationOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}

function refusalWords(status: number, authority: string): string {
  const words = `The proxy of HTTPS_PROXY answered ${status} when asked to connect to ${authority}`;
  if (status === 407) return `${words}. Write its user and password into HTTPS_PROXY`;
  return `${words}. Allow it there, or add the host to NO_PROXY`;
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
export type Step = (request: Seen, response: ServerResponse, raw: IncomingMessage) => void;

export interface Stub {
  readonly url: string;
  readonly seen: readonly Seen[];
  close(): Promise<void>;
}

/** A server on loopback that answers the n-th request with the n-th step; the last step answers all that follow. */
export async function startStub(...steps: readonly Step[]): Promise<Stub> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const entry = { method, url, headers, body: Buffer.concat(pieces).toString('utf8') };
      const step = steps[Math.min(seen.length, steps.length - 1)] as Step;
      seen.push(entry);
      step(entry, response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Step {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

export function problem(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Step {
  return json(status, { type: 'about:blank', status, code, title: code }, headers);
}

/** Takes the request and lets the connection break. */
export const hangUp: Step = (_request, response) => void response.socket?.destroy();

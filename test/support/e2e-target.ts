import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** One request as it arrived. `ref` is what tests tell their calls apart by: a field of the body, or the path's end. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly ref: string;
}

/** What the target does with a request after it has read and counted it. */
export type Behaviour =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Answers like the default, later. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Cuts the connection without an answer. */
  | { readonly kind: 'reset' }
  /** Answers when `release` is called for the ref, and otherwise never. */
  | { readonly kind: 'held' };

/** What every call of a test ends at: an HTTP server that counts, records and behaves as it is told. */
export interface Target {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** Requests that reached it for a ref. */
  count(ref: string): number;
  /** What happens to the next requests of a ref, one after the other; afterwards they are answered at once. */
  script(ref: string, ...behaviours: readonly Behaviour[]): void;
  /** Lets held requests of a ref have their answer. */
  release(ref: string): void;
  /** For every ref that has no script of its own; undefined: answer at once. */
  otherwise: ((seen: Seen) => Behaviour | undefined) | undefined;
  close(): Promise<void>;
}

export async function startTarget(): Promise<Target> {
  const seen: Seen[] = [];
  const scripts = new Map<string, Behaviour[]>();
  const held = new Map<string, (() => void)[]>();
  const sockets = new Set<Socket>();

  const act = (request: Seen, response: ServerResponse, behaviour: Behaviour | undefined): void => {
    const paid = () => reply(response, 200, { paid: true, ref: request.ref, token: `tok-${request.ref}` });
    switch (behaviour?.kind) {
      case undefined:
        return paid();
      case 'answer':
        return reply(response, behaviour.status, behaviour.body, behaviour.headers);
      case 'slow':
        setTimeout(paid, behaviour.ms);
        return;
      case 'reset':
        response.socket?.resetAndDestroy();
        return;
      case 'held':
        held.set(request.ref, [...(held.get(request.ref) ?? []), paid]);
        return;
      default:
        return behaviour satisfies never;
    }
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = await readRequest(request);
    seen.push(one);
    act(one, response, scripts.get(one.ref)?.shift() ?? target.otherwise?.(one));
  };
  const server = createServer((request, response) => void serve(request, response));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const target: Target = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    count: (ref) => seen.filter((one) => one.ref === ref).length,
    script: (ref, ...behaviours) => void scripts.set(ref, [...behaviours]),
    release: (ref) => {
      for (const answer of held.get(ref) ?? []) answer();
      held.delete(ref);
    },
    otherwise: undefined,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return target;
}

async function readRequest(request: IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  const path = request.url ?? '';
  const ref = typeof body.ref === 'string' ? body.ref : decodeURIComponent(path.split('/').at(-1) ?? '');
  return { method: request.method ?? '', path, headers: request.headers, body, ref };
}

function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

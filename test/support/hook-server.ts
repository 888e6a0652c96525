import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface HookCall {
  readonly path: string;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  /** As it came: signatures cover these bytes. */
  readonly text: string;
  readonly body: { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
}

export interface HookServer {
  readonly url: string;
  readonly calls: readonly HookCall[];
  /** Status of answers from now on; `hang`: none at all. */
  answer: number | 'hang';
  /** Sent with every answer while it is there. */
  retryAfter: string | undefined;
  close(): Promise<void>;
}

/** A target of webhooks: a real HTTP server that keeps what it was sent and answers as it is told. */
export async function startHookServer(port = 0): Promise<HookServer> {
  const calls: HookCall[] = [];
  const sockets = new Set<Socket>();
  const hook = { answer: 204 as number | 'hang', retryAfter: undefined as string | undefined };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString('utf8');
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const body = JSON.parse(text) as HookCall['body'];
      calls.push({ path: request.url ?? '', id: headers['webhook-id'] ?? '', headers, text, body });
      if (hook.answer === 'hang') return;
      const later = hook.retryAfter === undefined ? {} : { 'retry-after': hook.retryAfter };
      response.writeHead(hook.answer, { location: '/elsewhere', ...later }).end();
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    get answer() {
      return hook.answer;
    },
    set answer(answer) {
      hook.answer = answer;
    },
    get retryAfter() {
      return hook.retryAfter;
    },
    set retryAfter(value) {
      hook.retryAfter = value;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectorResult, ExecuteInput } from '../../src/ports/connector.ts';
import type { Evidence } from '../../src/contract/call.ts';
import type { HttpConnectorConfig } from '../../src/contract/config.ts';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { toolSchema, type ToolDefinition } from '../../src/contract/policy.ts';
import { createHttpConnector } from '../../src/connectors/http/connector.ts';
import type { Resolver } from '../../src/connectors/http/exchange.ts';
import { noProxy } from '../../src/domain/proxy.ts';
import { renderTarget } from '../../src/domain/render/index.ts';

const SECRET = 'target-credential-1';
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** An HTTP server that records what it is asked. */
async function serve(answer: RequestListener): Promise<{ baseUrl: string; port: number; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers, rawHeaders } = request;
      seen.push({ method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() });
      answer(request, response);
    });
  });
  return { ...(await listen(server)), seen };
}

/** A TCP server that says whatever a test wants. */
async function serveRaw(onData: (socket: Socket, received: string) => void) {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => onData(socket, data.toString()));
  });
  return listen(server);
}

async function listen(server: Server | TcpServer): Promise<{ baseUrl: string; port: number }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}`, port };
}

const silent: RequestListener = () => undefined;
const plain: RequestListener = (_, response) => {
  response.writeHead(200).end('x');
};
const json =
  (status: number, value: unknown): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };

const postTool = (fields: Partial<ToolDefinition> = {}): ToolDefinition =>
  toolSchema.parse({
    name: 'shop.orders.pay',
    class: 'irreversible',
    connector: 'shop',
    request: { method: 'POST', path: '/orders/{id}/pay', body: 'arguments' },
    ...fields,
  });
const getTool = (fields: Partial<ToolDefinition> = {}): ToolDefinition =>
  toolSchema.parse({
    name: 'shop.orders.get',
    class: 'reversible',
    connector: 'shop',
    request: { method: 'GET', path: '/orders/{id}' },
    ...fields,
  });

interface CallOptions {
  readonly config?: Partial<HttpConnectorConfig>;
  readonly resolve?: Resolver;
  readonly args?: JsonObject;
  readonly opened?: JsonObject;
  readonly input?: Partial<ExecuteInput>;
  readonly secret?: string | null;
}

async function previewOf(baseUrl: string, tool: ToolDefinition, args: JsonObject = { id: 'o1' }) {
  const config = { baseUrl, allowPrivateAddresses: true, timeout: '2s' };
  const connector = createHttpConnector({ proxy: noProxy, config, secret: () => SECRET });
  const rendered = renderTarget(tool, 'shop', config, args);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.errors));
  return connector.preview!({ tool, arguments: args, target: rendered.target, signal: AbortSignal.timeout(5_000) });
}

async function call(baseUrl: string, tool: ToolDefinition, options: CallOptions = {}): Promise<ConnectorResult> {
  const config: HttpConnectorConfig = { baseUrl, allowPrivateAddresses: true, timeout: '2s', ...options.config };
  const { secret = SECRET } = options;
  const connector = createHttpConnector({
    proxy: noProxy,
    config,
    secret: secret === null ? null : () => secret,
    ...(options.resolve ? { resolve: options.resolve } : {}),
  });
  const args = options.args ?? { id: 'o1' };
  const rendered = renderTarget(tool, 'shop', config, args);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.errors));
  return connector.execute({
    tool,
    arguments: options.opened ?? args,
    target: rendered.target,
    evidence: null,
    idempotencyKey: null,
    sendBy: Date.now() + 10_000,
    ...options.input,
  });
}
/** Nothing in it steers a terminal or hides text. */
const TEXT = 'a:\n\tgcc\r\nスペース\u3000\u00a0\u202f👩‍👩‍👧 \u200c ❤\ufe0f \u00ad';

const codeOf = (result: ConnectorResult): string =>
  result.status === 'executed' ? 'executed' : `${result.status} ${result.code}`;

describe('what is sent', () => {
  it('sends the rendered call with the credential', async () => {
    const { baseUrl, seen } = await serve(json(201, { paid: true }));
    const result = await call(baseUrl, postTool(), { args: { id: 'o 1', amount: 5 } });
    expect(result).toEqual({ status: 'executed', body: { paid: true }, upstreamStatus: 201 });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/orders/o%201/pay', body: '{"amount":5}' });
    expect(seen[0]?.headers).toMatchObject({
      authorization: `Bearer ${SECRET}`,
      'content-type': 'application/json',
      'user-agent': 'holdpoint',
    });
  });

  it('sets the credential last and only once, whatever the tool says', async () => {
    const { baseUrl, seen } = await serve(json(200, {}));
    const tool = postTool({
      request: {
        method: 'POST',
        path: '/a',
        body: 'arguments',
        headers: { AUTHORIZATION: 'Bearer other', 'X-Api-Version': '2' },
      },
    });
    await call(baseUrl, tool, { args: {} });
    expect(seen[0]?.rawHeaders.filter((name) => name.toLowerCase() === 'authorization')).toHaveLength(1);
    expect(seen[0]?.headers).toMatchObject({ authorization: `Bearer ${SECRET}`, 'x-api-version': '2' });
  });

  it('honours credentialHeader, credentialScheme and targets without a credential', async () => {
    const { baseUrl, seen } = await serve(json(200, {}));
    await call(baseUrl, postTool(), { config: { credentialHeader: 'X-Api-Key' } });
    await call(baseUrl, postTool(), { config: { credentialScheme: 'token' } });
    await call(baseUrl, postTool(), { secret: null });
    expect(seen[0]?.headers).toMatchObject({ 'x-api-key': SECRET });
    expect(seen[0]?.headers.authorization).toBeUndefined();
    expect(seen[1]?.headers.authorization).toBe(`token ${SECRET}`);
    expect(seen[2]?.headers.authorization).toBeUndefined();
  });

  it('sends form bodies and the idempotency key', async () => {
    const { baseUrl, seen } = await serve(json(200, {}));
    const tool = postTool({
      request: { method: 'POST', path: '/charges', body: 'arguments', bodyFormat: 'form' },
      idempotency: { header: 'Idempotency-Key' },
    });
    await call(baseUrl, tool, { args: { amount: 5, metadata: { a: 'b c' } }, input: { idempotencyKey: 'key-1' } });
    expect(seen[0]?.body).toBe('amount=5&metadata%5Ba%5D=b%20c');
    expect(seen[0]?.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      'idempotency-key': 'key-1',
    });
  });

  it('opens sealed values in the body and nowhere else', async () => {
    const { baseUrl, seen } = await serve(json(200, {}));
    const args = { id: 'o1', memo: { $sealed: 'jwe' } };
    const opened = { id: 'o1', memo: 'secret memo' };
    expect(codeOf(await call(baseUrl, postTool({ seal: ['/memo'] }), { args, opened }))).toBe('executed');
    expect(seen[0]?.body).toBe('{"memo":"secret memo"}');
  });

  it('refuses a call whose request is not the one that was approved', async () => {
    const { baseUrl, seen } = await serve(json(200, {}));
    const result = await call(baseUrl, postTool(), { args: { id: 'o1' }, opened: { id: 'o2' } });
    expect(codeOf(result)).toBe('failed invalid_call');
    const other = await call(baseUrl, postTool(), { args: { id: 'o1', amount: 1 }, opened: { id: 'o1', amount: 2 } });
    expect(codeOf(other)).toBe('failed invalid_call');
    expect(seen).toHaveLength(0);
  });

  it('sends nothing after sendBy', async () => {
    const { baseUrl, seen } = await serve(json(200, {}));
    const result = await call(baseUrl, postTool(), { input: { sendBy: Date.now() - 1 } });
    expect(codeOf(result)).toBe('failed target_unreachable');
    expect(seen).toHaveLength(0);
  });
});

describe('where it is sent', () => {
  it('refuses private addresses unless the connector allows its own', async () => {
    const { baseUrl, port, seen } = await serve(json(200, {}));
    const off = { allowPrivateAddresses: false };
    expect(codeOf(await call(baseUrl, postTool(), { config: off }))).toBe('failed target_refused');
    expect(codeOf(await call(`http://localhost:${port}`, postTool(), { config: off }))).toBe('failed target_refused');
    expect(codeOf(await call(`http://2130706433:${port}`, postTool(), { config: off }))).toBe('failed target_refused');
    expect(codeOf(await call(`http://[::ffff:127.0.0.1]:${port}`, postTool(), { config: off }))).toBe(
      'failed target_refused',
    );
    expect(codeOf(await call(`http://[::1]:${port}`, postTool(), { config: off }))).toBe('failed target_refused');
    expect(seen).toHaveLength(0);
    expect(codeOf(await call(`http://localhost:${port}`, postTool()))).toBe('executed');
  });

  it('refuses a name with a private address among public ones', async () => {
    const { port, seen } = await serve(json(200, {}));
    const resolve: Resolver = async () => [
      { address: '93.184.216.34', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    const result = await call(`http://mixed.test:${port}`, postTool(), {
      config: { allowPrivateAddresses: false },
      resolve,
    });
    expect(codeOf(result)).toBe('failed target_refused');
    expect(seen).toHaveLength(0);
  });

  it('connects to the very addresses it checked: a name that rebinds is asked once', async () => {
    const { port, seen } = await serve(json(200, {}));
    let asked = 0;
    const rebinding: Resolver = async () => {
      asked += 1;
      // Nobody listens at the first answer; the second would lead to our server.
      return [{ address: asked === 1 ? '127.0.0.2' : '127.0.0.1', family: 4 }];
    };
    const result = await call(`http://rebind.test:${port}`, postTool(), { resolve: rebinding });
    expect(codeOf(result)).toBe('failed target_unreachable');
    expect(asked).toBe(1);
    expect(seen).toHaveLength(0);
  });

  it('refuses a rebound name on the next call', async () => {
    const { port, seen } = await serve(json(200, {}));
    const resolve: Resolver = async () => [{ address: '169.254.169.254', family: 4 }];
    const result = await call(`http://rebind.test:${port}`, postTool(), {
      config: { allowPrivateAddresses: false },
      resolve,
    });
    expect(codeOf(result)).toBe('failed target_refused');
    expect(seen).toHaveLength(0);
  });

  it('S6: a renamed repository is told by its new name, before anyone is asked and from a call', async () => {
    const renamed = { id: 7, full_name: 'octo/new-name' };
    const { baseUrl, seen } = await serve((request, response) => {
      if ((request.url ?? '') === '/repositories/7') return json(200, renamed)(request, response);
      const status = request.method === 'GET' ? 301 : 307;
      response.writeHead(status, { location: `http://${request.headers['host']}/repositories/7/x?y=1` }).end('{}');
    });
    const moved = { path: '/repositories/{id}', name: '/full_name' };
    const facts = [{ name: 'repository_id', label: 'Repository id', pointer: '/id', pinned: true }];
    const tool = postTool({ moved, preview: { requests: [{ path: '/repos/octo/old-name', facts }] } });
    expect(await previewOf(baseUrl, tool)).toEqual({
      ok: false,
      code: 'invalid_call',
      message: 'The target answered 301: it has moved, and is octo/new-name now. Propose the call with that name',
      pointer: '',
    });
    for (const called of [tool, getTool({ moved })]) {
      expect(await call(baseUrl, called)).toMatchObject({
        status: 'failed',
        code: 'upstream_rejected',
        message: expect.stringContaining('octo/new-name'),
      });
    }
    expect(seen.filter(({ url }) => url === '/repositories/7')).toHaveLength(3);
    expect(await previewOf(baseUrl, { ...tool, moved: undefined })).toMatchObject({
      code: 'preview_rejected',
      message: 'The target answered the preview with 301',
    });
  });

  it.each([
    ['another origin', 'http://other.test/repositories/7'],
    ['another place', '/elsewhere/7'],
    ['a place within the template’s', '/repositories/..%2f7'],
    ['nothing', undefined],
  ])('S6: a redirect to %s is not followed for a name', async (_, location) => {
    const { baseUrl, seen } = await serve((_request, response) => {
      response.writeHead(301, location === undefined ? {} : { location }).end();
    });
    const moved = { path: '/repositories/{id}', name: '/full_name' };
    expect(codeOf(await call(baseUrl, getTool({ moved })))).toBe('failed upstream_rejected');
    expect(seen).toHaveLength(1);
  });

  it.each([301, 302, 303, 307, 308])('does not follow a %i', async (status) => {
    const other = await serve(json(200, {}));
    const { baseUrl, seen } = await serve((_, response) => {
      response.writeHead(status, { location: `${other.baseUrl}/stolen` }).end();
    });
    expect((await call(baseUrl, getTool())).status).toBe('failed');
    expect(codeOf(await call(baseUrl, postTool()))).toBe(
      status === 302 || status === 303 ? 'outcome_unknown lost_answer' : 'failed upstream_rejected',
    );
    expect(seen).toHaveLength(2);
    expect(other.seen).toHaveLength(0);
  });
});

describe('what comes back', () => {
  it.each([400, 401, 404, 409, 422, 429])('%i is a failure with its body', async (status) => {
    const { baseUrl } = await serve(json(status, { error: 'no' }));
    expect(await call(baseUrl, postTool())).toMatchObject({
      status: 'failed',
      code: 'upstream_rejected',
      body: { error: 'no' },
      upstreamStatus: status,
    });
  });

  it.each([500, 502, 503, 504])('%i leaves open what happened, except for reads', async (status) => {
    const { baseUrl } = await serve(json(status, { error: 'ch_1 was made' }));
    const unknown = await call(baseUrl, postTool());
    expect(codeOf(unknown)).toBe('outcome_unknown lost_answer');
    // What the target said helps to find out what happened.
    expect(unknown).toMatchObject({ body: { error: 'ch_1 was made' }, upstreamStatus: status });
    expect(codeOf(await call(baseUrl, getTool()))).toBe('failed upstream_failed');
    expect(codeOf(await call(baseUrl, getTool({ class: 'irreversible' })))).toBe('outcome_unknown lost_answer');
  });

  it('honours the tool’s own success statuses', async () => {
    const { baseUrl } = await serve(json(404, { gone: true }));
    const tool = postTool({ request: { method: 'POST', path: '/a', body: 'arguments', success: [204, 404] } });
    expect(await call(baseUrl, tool, { args: {} })).toMatchObject({ status: 'executed', upstreamStatus: 404 });
    const other = await serve(json(200, {}));
    expect(codeOf(await call(other.baseUrl, tool, { args: {} }))).toBe('outcome_unknown lost_answer');
  });

  it('a resend is settled only by an answer about the call', async () => {
    const input = { resend: true, idempotencyKey: 'k' };
    for (const status of [401, 403, 409, 429, 500]) {
      const { baseUrl } = await serve(json(status, {}));
      expect(codeOf(await call(baseUrl, postTool(), { input }))).toBe('outcome_unknown lost_answer');
    }
    const rejected = await serve(json(402, {}));
    expect(codeOf(await call(rejected.baseUrl, postTool(), { input }))).toBe('failed upstream_rejected');
    const replayed = await serve(json(200, {}));
    expect(codeOf(await call(replayed.baseUrl, postTool(), { input }))).toBe('executed');
    expect(codeOf(await call('http://127.0.0.1:1', postTool(), { input }))).toBe('outcome_unknown lost_answer');
  });

  it('an answer that the target had stored under the key is final, whatever it is', async () => {
    const replay = (status: number) =>
      serve((_, response) => void response.writeHead(status, { 'Idempotent-Replayed': 'true' }).end('{}'));
    const input = { resend: true, idempotencyKey: 'k' };
    for (const status of [500, 503]) {
      const { baseUrl } = await replay(status);
      const stored = await call(baseUrl, postTool(), { input });
      expect(stored).toMatchObject({ status: 'outcome_unknown', code: 'lost_answer', isFinal: true });
      // Nobody asked for a stored answer here.
      expect(await call(baseUrl, postTool())).not.toHaveProperty('isFinal');
    }
    const { baseUrl } = await replay(409);
    expect(codeOf(await call(baseUrl, postTool(), { input }))).toBe('failed upstream_rejected');
  });

  // Made beforehand: the server shares its event loop with the call, whose time runs while this is compressed.
  const bomb = gzipSync(Buffer.alloc(200_000_000));
  const answers: readonly [string, RequestListener, Json][] = [
    ['nothing', (_, r) => r.writeHead(204).end(), null],
    ['text', (_, r) => r.writeHead(200, { 'content-type': 'text/plain' }).end('hello ü'), 'hello ü'],
    ['broken JSON', (_, r) => r.writeHead(200, { 'content-type': 'application/json' }).end('{"a":'), '{"a":'],
    [
      'problem JSON',
      (_, r) => r.writeHead(200, { 'content-type': 'application/problem+json' }).end('{"a":1}'),
      { a: 1 },
    ],
    [
      'K2: bytes that are not text',
      (_, r) => r.writeHead(200, { 'content-type': 'application/pdf' }).end(Buffer.from([0x25, 0xff, 0])),
      { $omitted: 'not_text', bytes: 3, mediaType: 'application/pdf' },
    ],
    [
      'B5: JSON with a byte order mark',
      (_, r) => r.writeHead(200, { 'content-type': 'application/json' }).end('\ufeff{"a":1}'),
      { a: 1 },
    ],
    [
      'B5: text with a byte order mark',
      (_, r) => r.writeHead(200, { 'content-type': 'text/csv' }).end('\ufeffid;ü'),
      '\ufeffid;ü',
    ],
    [
      'B5: text in UTF-16',
      (_, r) => r.writeHead(200, { 'content-type': 'text/plain' }).end(Buffer.from('\ufeffid;ü', 'utf16le')),
      'id;ü',
    ],
    [
      'B5: text in another encoding',
      (_, r) => r.writeHead(200, { 'content-type': 'text/plain; charset=ISO-8859-1' }).end(Buffer.from('ü', 'latin1')),
      'ü',
    ],
    [
      'B5: text in an encoding that nobody knows',
      (_, r) => r.writeHead(200, { 'content-type': 'text/plain; charset=ours' }).end('ü'),
      'ü',
    ],
    [
      'B1: numbers that a double does not hold',
      (_, r) => r.writeHead(200, { 'content-type': 'application/json' }).end('{"id":1234567890123456789,"x":1e400}'),
      { id: { $number: '1234567890123456789' }, x: { $number: '1e400' } },
    ],
    ['B4: every character of a text', (_, r) => r.writeHead(200, { 'content-type': 'text/plain' }).end(TEXT), TEXT],
    [
      'K2: JSON of which one part nests too deeply',
      json(200, { id: 1, deep: JSON.parse('['.repeat(100) + ']'.repeat(100)) as Json }),
      { id: 1 },
    ],
    [
      'gzip',
      (_, r) =>
        r
          .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
          .end(gzipSync('{"zipped":true}')),
      { zipped: true },
    ],
    [
      'an encoding nobody asked for',
      (_, r) => r.writeHead(200, { 'content-encoding': 'zstd' }).end('x'),
      { $omitted: 'encoding_not_supported' },
    ],
    [
      'K2: more than can be read',
      (_, r) => r.writeHead(200, { 'content-length': 5_000_000 }).end('x'.repeat(5_000_000)),
      { $omitted: 'response_too_large', bytes: 5_000_000 },
    ],
    [
      'a gzip bomb',
      (_, r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
      { $omitted: 'response_too_large' },
    ],
  ];
  it.each(answers)('takes %s: the call happened', async (_, answer, body) => {
    const { baseUrl } = await serve(answer);
    expect(await call(baseUrl, postTool())).toMatchObject({ status: 'executed', body });
  });

  it('stops reading a body without end', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });
    expect(await call(baseUrl, postTool())).toMatchObject({
      status: 'executed',
      body: { $omitted: 'response_too_large', atLeastBytes: expect.any(Number) },
    });
  });

  it('drops redacted fields of successes and failures', async () => {
    const tool = postTool({ redact: ['/card', '/items/*/secret'] });
    const value = { id: 1, card: '4242', items: [{ secret: 1, n: 2 }] };
    const kept = { id: 1, items: [{ n: 2 }] };
    expect(await call((await serve(json(200, value))).baseUrl, tool)).toMatchObject({ body: kept });
    expect(await call((await serve(json(400, value))).baseUrl, tool)).toMatchObject({ body: kept });
    const text = await serve((_, response) => response.writeHead(200).end('card=4242'));
    expect(await call(text.baseUrl, tool)).toMatchObject({ body: { $omitted: 'not_redactable' } });
  });

  it('never has the credential in a result', async () => {
    const { baseUrl } = await serve(json(500, {}));
    expect(JSON.stringify(await call(baseUrl, postTool()))).not.toContain(SECRET);
  });
});

describe('when the connection fails', () => {
  it('a refused connection is a failure: nothing was sent', async () => {
    const { port } = await serve(json(200, {}));
    await cleanups.pop()?.();
    expect(codeOf(await call(`http://127.0.0.1:${port}`, postTool()))).toBe('failed target_unreachable');
  });

  it('a name that does not resolve is a failure', async () => {
    const resolve: Resolver = () => Promise.reject(new Error('ENOTFOUND'));
    expect(codeOf(await call('http://nowhere.test', postTool(), { resolve }))).toBe('failed target_unreachable');
    expect(codeOf(await call('http://nowhere.test', postTool(), { resolve: async () => [] }))).toBe(
      'failed target_unreachable',
    );
  });

  it('a resolver that hangs ends with the time-out', async () => {
    const resolve: Resolver = () => new Promise(() => undefined);
    const result = await call('http://slow.test', postTool(), { resolve, config: { timeout: '200ms' } });
    expect(codeOf(result)).toBe('failed target_unreachable');
  });

  it('a failed TLS handshake is a failure: nothing was sent', async () => {
    const received: string[] = [];
    const { port } = await serveRaw((socket, data) => {
      received.push(data);
      socket.end('this is not TLS');
    });
    expect(codeOf(await call(`https://127.0.0.1:${port}`, postTool()))).toBe('failed target_unreachable');
    expect(received.join('')).not.toContain(SECRET);
  });

  const hostile: readonly [string, (socket: Socket) => void][] = [
    ['closes without an answer', (socket) => void socket.end()],
    ['resets', (socket) => void socket.resetAndDestroy()],
    ['never answers', () => undefined],
    ['answers nonsense', (socket) => void socket.end('NONSENSE\r\n\r\n')],
    [
      'stops in the middle of the body',
      (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'),
    ],
    [
      'resets in the middle of the body',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', () =>
          setTimeout(() => socket.resetAndDestroy(), 50),
        );
      },
    ],
    [
      'drips its body for ever',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
        const drip = setInterval(() => socket.write('1\r\nx\r\n'), 20);
        socket.on('close', () => clearInterval(drip));
      },
    ],
    ['sends endless headers', (socket) => void socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}`)],
    [
      'sends damaged gzip',
      (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope'),
    ],
  ];
  it.each(hostile)('a target that %s leaves the outcome unknown', async (_, behave) => {
    let requests = 0;
    const { baseUrl } = await serveRaw((socket, data) => {
      if (data.startsWith('POST') || data.startsWith('GET')) requests += 1;
      behave(socket);
    });
    const config = { timeout: '400ms' };
    expect(codeOf(await call(baseUrl, postTool(), { config }))).toBe('outcome_unknown lost_answer');
    expect(requests).toBe(1);
    expect((await call(baseUrl, getTool(), { config })).status).toBe('failed');
  });

  it('N3: the time-out of a tool counts, shorter or longer than that of its connector', async () => {
    const { baseUrl } = await serve(() => undefined);
    const short = call(baseUrl, postTool({ timeout: '100ms' }), { config: { timeout: '1h' } });
    expect(codeOf(await short)).toBe('outcome_unknown lost_answer');
    const slow = await serve((_, response) => {
      // Longer than the connector would wait.
      setTimeout(() => response.writeHead(200).end('x'), 300);
    });
    const long = call(slow.baseUrl, postTool({ timeout: '1m' }), { config: { timeout: '100ms' } });
    expect(codeOf(await long)).toBe('executed');
  });
});

describe('K1: what can be read of a preview is kept', () => {
  const repository = { id: 7, full_name: 'octo/app' };
  const tool = postTool({
    preview: {
      requests: [
        {
          path: '/repos/octo/app',
          facts: [
            { name: 'repository_id', label: 'Repository id', pointer: '/id', pinned: true },
            { name: 'full_name', label: 'Repository', pointer: '/full_name', pinned: true },
          ],
        },
        {
          path: '/repos/octo/app/pulls',
          facts: [{ name: 'pulls', label: 'Open pull requests', pointer: '', count: true }],
        },
        {
          path: '/repos/octo/app/branches/main',
          facts: [{ name: 'head', label: 'Head', pointer: '/sha', pinned: true }],
        },
      ],
    },
  });
  type Reply = Parameters<typeof serve>[0];
  const serveFacts = (pulls: Reply, branch: Reply) =>
    serve((request, response) => {
      if (request.method !== 'GET') return json(200, { done: true })(request, response);
      if ((request.url ?? '').endsWith('/pulls')) return pulls(request, response);
      return (request.url ?? '').endsWith('/main')
        ? branch(request, response)
        : json(200, repository)(request, response);
    });
  const branch = json(200, { sha: 'abc' });
  const list = (length: number, size: number) => Array.from({ length }, () => ({ body: 'x'.repeat(size) }));

  it('K1: 15 open pull requests of 20 KB each', async () => {
    const { baseUrl } = await serveFacts(json(200, list(15, 20_480)), branch);
    const found = await previewOf(baseUrl, tool);
    expect(found).toMatchObject({ ok: true, sourceHash: expect.stringMatching(/^sha256:/) });
    expect(found.ok && found.facts.map(({ name, value }) => [name, value])).toEqual([
      ['repository_id', 7],
      ['full_name', 'octo/app'],
      ['pulls', 15],
      ['head', 'abc'],
    ]);
  });

  it('K1: a page after which there are more is counted as such', async () => {
    const { baseUrl } = await serveFacts((_, response) => {
      const link =
        '<https://api.example.com/pulls?page=2>; rel="next", <https://api.example.com/pulls?page=9>; rel="last"';
      response.writeHead(200, { 'content-type': 'application/json', link }).end(JSON.stringify(list(15, 10)));
    }, branch);
    const found = await previewOf(baseUrl, tool);
    expect(found.ok && found.facts[2]).toMatchObject({ value: '15 or more' });
  });

  const unreadable: readonly (readonly [string, Reply, JsonObject])[] = [
    ['too large', json(200, list(1, 5_000_000)), { $omitted: 'preview_unreadable', atLeastBytes: expect.any(Number) }],
    ['refused', json(403, {}), { $omitted: 'preview_rejected', message: 'The target answered the preview with 403' }],
    [
      'not JSON',
      (_, response) => void response.writeHead(200).end('?'),
      { $omitted: 'preview_unreadable', message: 'The target answered the preview with 200, which is not JSON' },
    ],
    ['cut off', (_, response) => void response.destroy(), { $omitted: 'target_unreachable' }],
  ];
  it.each(unreadable)('K1: one fact that is %s costs no other, and names itself', async (_, reply, mark) => {
    const { baseUrl } = await serveFacts(reply, branch);
    const found = await previewOf(baseUrl, tool);
    const pins = await previewOf((await serveFacts(json(200, []), branch)).baseUrl, tool);
    expect(found.ok && found.sourceHash).toBe(pins.ok && pins.sourceHash);
    expect(found.ok && found.facts[2]).toMatchObject({ name: 'pulls', label: 'Open pull requests', value: mark });
    expect(found.ok && found.facts[2]?.value).not.toHaveProperty('pinned');
    const evidence = {
      facts: found.ok ? found.facts.slice() : [],
      sourceHash: found.ok ? found.sourceHash : null,
      gatheredAt: '',
    };
    expect(codeOf(await call(baseUrl, tool, { input: { evidence } }))).toBe('executed');
  });

  it('K1: a pin that could not be read is named, and the others hold the call', async () => {
    let id = 7;
    const { baseUrl } = await serve((request, response) => {
      if ((request.url ?? '').endsWith('/main')) return json(500, {})(request, response);
      return json(200, (request.url ?? '').endsWith('/pulls') ? [] : { ...repository, id })(request, response);
    });
    const found = await previewOf(baseUrl, tool);
    expect(found.ok && found.facts[3]).toMatchObject({ value: { $omitted: 'preview_rejected', pinned: true } });
    const evidence = {
      facts: found.ok ? found.facts.slice() : [],
      sourceHash: found.ok ? found.sourceHash : null,
      gatheredAt: '',
    };
    expect(codeOf(await call(baseUrl, tool, { input: { evidence } }))).toBe('executed');
    id = 8;
    expect(codeOf(await call(baseUrl, tool, { input: { evidence } }))).toBe('failed drifted');
  });

  it('K1: nothing that could be read is no preview', async () => {
    const { baseUrl } = await serve(json(500, {}));
    expect(await previewOf(baseUrl, tool)).toEqual({
      ok: false,
      code: 'preview_rejected',
      message: 'The target answered the preview with 500',
    });
  });
});

describe('preview', () => {
  const tool = postTool({
    preview: {
      requests: [
        {
          path: '/orders/{id}',
          facts: [
            { name: 'order_id', label: 'Order', pointer: '/id', pinned: true },
            { name: 'total', label: 'Total', pointer: '/total', pinned: true },
            { name: 'note', label: 'Note', pointer: '/note' },
            { name: 'lines', label: 'Lines', pointer: '/lines', count: true },
            { name: 'absent', label: 'Absent', pointer: '/nothing/here' },
          ],
        },
        { path: '/customers/{customer}', facts: [{ name: 'c', label: 'C', pointer: '/id' }] },
      ],
    },
  });
  const order = { id: 7, total: 500, note: 'n'.repeat(1_000), lines: [1, 2, 3] };

  const preview = (baseUrl: string, of = tool, args: JsonObject = { id: 'o1' }) => previewOf(baseUrl, of, args);

  it('gathers facts with GET requests and leaves out what does not apply', async () => {
    const { baseUrl, seen } = await serve(json(200, order));
    const result = await preview(baseUrl);
    expect(result).toMatchObject({ ok: true, sourceHash: expect.stringMatching(/^sha256:/) });
    const facts = result.ok ? Object.fromEntries(result.facts.map(({ name, value }) => [name, value])) : {};
    expect(facts).toMatchObject({ order_id: 7, total: 500, lines: 3, absent: null });
    expect(JSON.stringify(facts['note']).length).toBeLessThan(500);
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /orders/o1']);
    expect(seen[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
  });

  it.each([
    ['a rejection', json(404, {}), 'preview_rejected'],
    ['text', plain, 'preview_unreadable'],
    ['silence', silent, 'target_unreachable'],
  ])('refuses on %s', async (_, answer, code) => {
    const { baseUrl } = await serve(answer);
    expect(await preview(baseUrl)).toMatchObject({ ok: false, code });
  });

  it('refuses where no request applies, and where an argument would leave the path', async () => {
    const { baseUrl, seen } = await serve(json(200, order));
    const only = postTool({
      request: { method: 'POST', path: '/x', body: 'arguments' },
      preview: { requests: [{ path: '/o/{other}', facts: [] }] },
    });
    expect(await preview(baseUrl, only, {})).toMatchObject({ ok: false, code: 'nothing_to_preview' });
    expect(await preview(baseUrl, only, { other: '../admin' })).toMatchObject({ ok: false, code: 'invalid_call' });
    expect(await preview(baseUrl, postTool())).toMatchObject({ ok: false, code: 'preview_unavailable' });
    expect(seen).toHaveLength(0);
  });

  it('B2: a pin that moved by one beyond 2^53 is drifted', async () => {
    let id = '1234567890123456788';
    const { baseUrl, seen } = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(`{"id":${id},"total":1e400}`);
    });
    const shown = await preview(baseUrl);
    if (!shown.ok) throw new Error('no preview');
    expect(shown.facts.slice(0, 2).map(({ value }) => value)).toEqual([{ $number: id }, { $number: '1e400' }]);
    const evidence: Evidence = { facts: [...shown.facts], sourceHash: shown.sourceHash, gatheredAt: '' };
    expect(codeOf(await call(baseUrl, tool, { input: { evidence } }))).toBe('executed');
    id = '1234567890123456789';
    expect(codeOf(await call(baseUrl, tool, { input: { evidence } }))).toBe('failed drifted');
    expect(seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('looks again before it sends: what differs is drifted, and nothing is sent', async () => {
    let current: object = order;
    let status = 200;
    const { baseUrl, seen } = await serve((request, response) =>
      json(request.method === 'GET' ? status : 200, current)(request, response),
    );
    const shown = await preview(baseUrl);
    if (!shown.ok) throw new Error('no preview');
    const evidence: Evidence = { facts: [...shown.facts], sourceHash: shown.sourceHash, gatheredAt: '' };
    const execute = () => call(baseUrl, tool, { input: { evidence } });
    current = { ...order, note: 'not pinned' };
    expect(codeOf(await execute())).toBe('executed');
    current = { ...order, total: 501 };
    expect(codeOf(await execute())).toBe('failed drifted');
    status = 404;
    expect(codeOf(await execute())).toBe('failed drifted');
    // The first sending may itself have been the change, so a resend does not look again.
    status = 200;
    const input = { evidence, resend: true, idempotencyKey: 'key-1' };
    expect(codeOf(await call(baseUrl, tool, { input }))).toBe('executed');
    status = 503;
    current = order;
    expect((await execute()).status).toBe('failed');
    expect(seen.filter(({ method }) => method === 'POST')).toHaveLength(2);
  });
});

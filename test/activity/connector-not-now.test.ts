import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createConnector } from '../../src/connectors/index.ts';
import type { ConnectorConfig } from '../../src/contract/config.ts';
import { toolSchema, type ToolDefinition } from '../../src/contract/policy.ts';
import { renderTarget } from '../../src/domain/render/index.ts';
import { loadSqlParser } from '../../src/domain/sql/parser.ts';
import type { Connector, ConnectorResult, ExecuteInput } from '../../src/ports/connector.ts';
import { resolveReference } from '../../src/storage/keys/reference.ts';

beforeAll(() => loadSqlParser());

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function serve(answer: RequestListener): Promise<{ origin: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function connect(config: ConnectorConfig): Connector {
  const connector = createConnector('shop', config, (reference) => resolveReference(reference, '/', {}));
  cleanups.push(() => connector.close());
  return connector;
}

const payTool = (fields: Partial<ToolDefinition> = {}): ToolDefinition =>
  toolSchema.parse({
    name: 'shop.pay',
    class: 'irreversible',
    connector: 'shop',
    request: { method: 'POST', path: '/pay', body: 'arguments' },
    ...fields,
  });

const closeTool = payTool({ request: undefined, mcpTool: 'close' });
const sqlTool = payTool({ request: undefined, sql: 'execute' });

async function call(
  connector: Connector,
  config: ConnectorConfig,
  tool: ToolDefinition,
  input: Partial<ExecuteInput> = {},
): Promise<ConnectorResult> {
  const args = input.arguments ?? { id: 1 };
  const rendered = renderTarget(tool, 'shop', config, args);
  if (!rendered.ok) throw new Error(rendered.code);
  return connector.execute({
    tool,
    arguments: args,
    target: rendered.target,
    evidence: null,
    idempotencyKey: null,
    sendBy: Date.now() + 30_000,
    ...input,
  });
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener => {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
};

/** One call of an HTTP tool, against a server that answers like this. */
async function callOnce(answer: RequestListener, fields: Partial<ToolDefinition> = {}, input?: Partial<ExecuteInput>) {
  const { origin } = await serve(answer);
  const config: ConnectorConfig = { baseUrl: origin, allowPrivateAddresses: true };
  return call(connect(config), config, payTool(fields), input);
}

const MAY_WAIT = { status: 'failed', isDeferrable: true };

describe('answers that prove that nothing ran', () => {
  it('N1: are those that deferOn names, with how long the target asks to wait', async () => {
    const answer = json(429, { error: 'slow down' }, { 'retry-after': '20' });
    expect(await callOnce(answer, { deferOn: [429] })).toMatchObject({
      ...MAY_WAIT,
      code: 'upstream_rejected',
      upstreamStatus: 429,
      retryAfterMs: 20_000,
      body: { error: 'slow down' },
    });
    const other = await callOnce(answer, { deferOn: [409] });
    expect(other).toMatchObject({ status: 'failed', retryAfterMs: 20_000 });
    expect(other).not.toHaveProperty('isDeferrable');
  });

  it('N1: a status may count only with a header, and with one value of it', async () => {
    const deferOn = [
      { status: 403, header: 'Retry-After' },
      { status: 403, header: 'x-ratelimit-remaining', value: '0' },
    ];
    const reset = Math.ceil(Date.now() / 1_000) + 60;
    const limited = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset) };
    expect(await callOnce(json(403, {}, { 'retry-after': '5' }), { deferOn })).toMatchObject(MAY_WAIT);
    const primary = await callOnce(json(403, {}, limited), { deferOn });
    expect(primary).toMatchObject(MAY_WAIT);
    expect('retryAfterMs' in primary && primary.retryAfterMs).toBeGreaterThan(30_000);
    for (const headers of [{}, { 'x-ratelimit-remaining': '12' }]) {
      expect(await callOnce(json(403, {}, headers), { deferOn })).not.toHaveProperty('isDeferrable');
    }
  });

  it('N1: a 503 page is none, whatever it says; nor is an answer that was stored under the key', async () => {
    const page = await callOnce(json(503, {}, { 'retry-after': '20' }));
    expect(page).toMatchObject({ status: 'outcome_unknown', retryAfterMs: 20_000 });
    const stored = await callOnce(json(429, {}, { 'idempotent-replayed': 'true' }), {
      deferOn: [429],
      idempotency: { header: 'Idempotency-Key' },
    });
    expect(stored).toMatchObject({ status: 'failed' });
    expect(stored).not.toHaveProperty('isDeferrable');
  });

  it('N1: on a resend, none says what happened the first time', async () => {
    const tool = { deferOn: [429], idempotency: { header: 'Idempotency-Key' } };
    const resent = await callOnce(json(429, {}, { 'retry-after': '3' }), tool, { idempotencyKey: 'k', resend: true });
    expect(resent).toMatchObject({ status: 'outcome_unknown', retryAfterMs: 3_000 });
  });
});

describe('pins that are read again before the call', () => {
  const fields: Partial<ToolDefinition> = {
    preview: { requests: [{ path: '/order', facts: [{ name: 'id', label: 'Id', pointer: '/id', pinned: true }] }] },
  };

  async function callPinned(again: RequestListener) {
    let looks = 0;
    const { origin, seen } = await serve((request, response) => {
      if (request.method === 'POST') json(200, {})(request, response);
      else if ((looks += 1) === 1) json(200, { id: 7 })(request, response);
      else again(request, response);
    });
    const config: ConnectorConfig = { baseUrl: origin, allowPrivateAddresses: true, timeout: '2s' };
    const connector = connect(config);
    const tool = payTool(fields);
    const rendered = renderTarget(tool, 'shop', config, { id: 1 });
    if (!rendered.ok) throw new Error(rendered.code);
    const { target } = rendered;
    const signal = AbortSignal.timeout(5_000);
    const shown = await connector.preview?.({ tool, arguments: { id: 1 }, target, signal });
    if (shown?.ok !== true) throw new Error('no preview');
    const evidence = { facts: [...shown.facts], sourceHash: shown.sourceHash, gatheredAt: '' };
    const result = await call(connector, config, tool, { evidence });
    return { result, posts: seen.filter(({ method }) => method === 'POST').length };
  }

  it.each<[string, RequestListener]>([
    ['429', json(429, {}, { 'retry-after': '20' })],
    ['an oversized answer', json(200, { id: 7, rest: 'x'.repeat(9_000_000) })],
    ['a failure', json(500, {})],
    ['a refusal', json(401, {})],
    ['a page', (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Sign in')],
    ['no answer', (_, response) => void response.destroy()],
  ])('K3: %s means that nobody could look, never that it drifted', async (_, again) => {
    const { result, posts } = await callPinned(again);
    expect(result).toMatchObject({ ...MAY_WAIT, code: 'pins_unreadable' });
    expect(posts).toBe(0);
  });

  it.each<[string, RequestListener]>([
    ['another value', json(200, { id: 8 })],
    ['404', json(404, {})],
    ['410', json(410, {})],
    ['a redirect', (_, response) => void response.writeHead(301, { location: '/new' }).end()],
  ])('K3: %s means that it drifted', async (_, again) => {
    const { result, posts } = await callPinned(again);
    expect(result).toMatchObject({ status: 'failed', code: 'drifted' });
    expect(result).not.toHaveProperty('isDeferrable');
    expect(posts).toBe(0);
  });
});

describe('success that says failure', () => {
  const request = (success: NonNullable<ToolDefinition['request']>['success']) => ({
    request: { method: 'POST' as const, path: '/pay', body: 'arguments' as const, success },
  });

  it('the status counts unless the tool says what the body must say', async () => {
    expect(await callOnce(json(200, { ok: false }))).toMatchObject({ status: 'executed', body: { ok: false } });
    const tool = request([200, 'body.ok == true']);
    expect(await callOnce(json(200, { ok: true }), tool)).toMatchObject({ status: 'executed', body: { ok: true } });
    expect(await callOnce(json(200, { ok: false, error: 'no_money' }), tool)).toMatchObject({
      status: 'failed',
      code: 'upstream_rejected',
      upstreamStatus: 200,
      body: { ok: false, error: 'no_money' },
    });
    expect(await callOnce(json(200, { ok: false }), request('body.ok == true'))).toMatchObject({ status: 'failed' });
    // 201 is not among the statuses named, and says that something was done.
    expect(await callOnce(json(201, { ok: true }), tool)).toMatchObject({ status: 'outcome_unknown' });
  });

  it.each<[string, RequestListener]>([
    ['lacks the field', json(200, {})],
    ['has another type there', json(200, { ok: 'true' })],
    ['is text', (_, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end('OK')],
    ['is empty', (_, response) => void response.writeHead(200).end()],
    ['is too large', json(200, { ok: true, rest: 'x'.repeat(9_000_000) })],
  ])('a body that %s says neither', async (_, answer) => {
    const result = await callOnce(answer, request('body.ok == true'));
    // Asked again under a key, it would say the same.
    expect(result).toMatchObject({ status: 'outcome_unknown', isFinal: true });
  });
});

describe('a credential in a file', () => {
  const FIRST = 'first-token-1';
  const SECOND = 'second-token-2';
  function secretFile(): string {
    const directory = mkdtempSync(join(tmpdir(), 'holdpoint-credential-'));
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, 'token');
    writeFileSync(file, `${FIRST}\n`);
    return file;
  }

  it('N4: is read at each use; what it was is scrubbed too', async () => {
    const file = secretFile();
    const { origin, seen } = await serve(json(200, {}));
    const config: ConnectorConfig = { baseUrl: origin, allowPrivateAddresses: true, credential: `file:${file}` };
    const connector = connect(config);
    await call(connector, config, payTool());
    writeFileSync(file, `${SECOND}\n`);
    await call(connector, config, payTool());
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${FIRST}`, `Bearer ${SECOND}`]);
    expect(connector.secrets()).toEqual(expect.arrayContaining([FIRST, SECOND]));
  });

  it('N4: that is missing or empty at a call sends nothing, says why, and can wait', async () => {
    const file = secretFile();
    const http = await serve(json(200, {}));
    const mcp = await mcpServer();
    const configs: readonly ConnectorConfig[] = [
      { baseUrl: http.origin, allowPrivateAddresses: true, credential: `file:${file}` },
      { type: 'mcp', url: mcp.url, allowPrivateAddresses: true, credential: `file:${file}` },
      { url: `file:${file}` },
    ];
    writeFileSync(file, 'postgres://app:secret-password@127.0.0.1:1/app');
    const connectors = configs.map(connect);
    for (const spoil of [() => writeFileSync(file, ''), () => rmSync(file)]) {
      spoil();
      for (const [index, tool] of [payTool(), closeTool, sqlTool].entries()) {
        const [connector, config] = [connectors[index], configs[index]];
        if (connector === undefined || config === undefined) throw new Error('no connector');
        const args = tool === sqlTool ? { sql: 'DELETE FROM users' } : { id: 1 };
        const result = await call(connector, config, tool, { arguments: args });
        expect(result).toMatchObject({ ...MAY_WAIT, code: 'credential_missing' });
        expect(JSON.stringify(result)).not.toContain(file);
      }
    }
    expect(http.seen).toEqual([]);
    expect(mcp.calls).toEqual([]);
  });

  it('N4: is read for each request to an MCP server, in a session too', async () => {
    const file = secretFile();
    const { url, calls, authorizations } = await mcpServer();
    const config: ConnectorConfig = { type: 'mcp', url, allowPrivateAddresses: true, credential: `file:${file}` };
    const connector = connect(config);
    await call(connector, config, closeTool);
    writeFileSync(file, SECOND);
    await call(connector, config, closeTool);
    expect(calls).toEqual([1, 1]);
    expect(authorizations.at(0)).toBe(`Bearer ${FIRST}`);
    expect(authorizations.at(-1)).toBe(`Bearer ${SECOND}`);
  });
});

interface McpUpstream {
  readonly url: string;
  readonly calls: number[];
  readonly authorizations: (string | undefined)[];
  /** Forgets every session, as a restart does. */
  restart(): void;
  sessions(): number;
}

/** A server with sessions; it answers an unknown one with `unknown`. */
async function mcpServer({ unknown = 404, slowMs = 0 } = {}): Promise<McpUpstream> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const calls: number[] = [];
  const authorizations: (string | undefined)[] = [];
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    authorizations.push(request.headers.authorization);
    const id = request.headers['mcp-session-id'];
    if (typeof id === 'string') {
      const known = sessions.get(id);
      if (known === undefined) response.writeHead(unknown).end();
      else await known.handleRequest(request, response);
      return;
    }
    const upstream = new McpServer({ name: 'upstream', version: '1' });
    upstream.registerTool('close', { inputSchema: { id: z.number() } }, async ({ id: account }, extra) => {
      const progressToken = extra._meta?.progressToken;
      if (slowMs > 0 && progressToken !== undefined) {
        const params = { progressToken, progress: 1, total: 2 };
        await extra.sendNotification({ method: 'notifications/progress', params });
      }
      if (slowMs > 0) await new Promise((resolve) => void setTimeout(resolve, slowMs));
      calls.push(account);
      return { content: [{ type: 'text', text: `closed ${account}` }] };
    });
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (made) => void sessions.set(made, transport),
    });
    await upstream.connect(transport as Parameters<typeof upstream.connect>[0]);
    await transport.handleRequest(request, response);
  }
  const { origin } = await serve((request, response) => void handle(request, response));
  return {
    url: `${origin}/mcp`,
    calls,
    authorizations,
    restart: () => sessions.clear(),
    sessions: () => sessions.size,
  };
}

describe('an MCP server', () => {
  const tool = closeTool;

  it('N2: that was restarted answers 404 to the call in its old session; the next one is made in a new session', async () => {
    const { url, calls, restart } = await mcpServer();
    const config: ConnectorConfig = { type: 'mcp', url, allowPrivateAddresses: true };
    const connector = connect(config);
    expect(await call(connector, config, tool)).toMatchObject({ status: 'executed' });
    restart();
    expect(await call(connector, config, tool)).toMatchObject({ ...MAY_WAIT, code: 'session_ended' });
    expect(calls).toEqual([1]);
    expect(await call(connector, config, tool)).toMatchObject({ status: 'executed' });
    expect(calls).toEqual([1, 1]);
  });

  it('N2: its tools are listed in a new session at once', async () => {
    const { url, restart } = await mcpServer();
    const connector = connect({ type: 'mcp', url, allowPrivateAddresses: true });
    expect((await connector.listTools?.())?.tools).toHaveLength(1);
    restart();
    expect((await connector.listTools?.())?.tools).toHaveLength(1);
  });

  it('N2: a restart that is found while the tool is looked up again is none to the call', async () => {
    const { url, calls, restart } = await mcpServer();
    const config: ConnectorConfig = { type: 'mcp', url, allowPrivateAddresses: true };
    const connector = connect(config);
    const [listed] = (await connector.listTools?.())?.tools ?? [];
    if (listed === undefined) throw new Error('no tool');
    const target = { connector: 'shop', request: { tool: 'close', arguments: { id: 1 }, definition: listed.digest } };
    // Listed by another connector, so that this one has to ask; its session is gone by then.
    const other = connect(config);
    await call(other, config, tool);
    restart();
    expect(await call(other, config, tool, { target })).toMatchObject({ status: 'executed' });
    expect(calls).toEqual([1, 1]);
  });

  it('N2: two calls that find the same session gone open one other', async () => {
    const { url, calls, restart, sessions } = await mcpServer();
    const config: ConnectorConfig = { type: 'mcp', url, allowPrivateAddresses: true };
    const connector = connect(config);
    await call(connector, config, tool);
    restart();
    await Promise.all([call(connector, config, tool), call(connector, config, tool)]);
    await Promise.all([call(connector, config, tool), call(connector, config, tool)]);
    expect(calls).toHaveLength(3);
    expect(sessions()).toBe(1);
  });

  it('N2: a 404 without a session, and a 400 in one, prove nothing; the next call gets a new session', async () => {
    const nowhere = await serve((_, response) => void response.writeHead(404).end());
    const without: ConnectorConfig = { type: 'mcp', url: nowhere.origin, allowPrivateAddresses: true };
    // No session was opened, so the call was not sent.
    expect(await call(connect(without), without, tool)).toMatchObject({ ...MAY_WAIT, code: 'target_unreachable' });

    const { url, restart } = await mcpServer({ unknown: 400 });
    const config: ConnectorConfig = { type: 'mcp', url, allowPrivateAddresses: true };
    const connector = connect(config);
    await call(connector, config, tool);
    restart();
    const refused = await call(connector, config, tool);
    expect(refused).toMatchObject({ status: 'failed', code: 'upstream_rejected' });
    expect(refused).not.toHaveProperty('isDeferrable');
    expect(await call(connector, config, tool)).toMatchObject({ status: 'executed' });
  });

  /** A server without sessions that answers every call like this. */
  async function callWith(answer: (id: unknown, response: ServerResponse) => void, deferOn?: number[]) {
    const { origin } = await serve((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        if (request.method !== 'POST') return void response.writeHead(405).end();
        const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
        if (method === 'tools/call') return answer(id, response);
        if (id === undefined) return void response.writeHead(202).end();
        const { protocolVersion } = params;
        const result = { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'upstream', version: '1' } };
        json(200, { jsonrpc: '2.0', id, result })(request, response);
      })();
    });
    const config: ConnectorConfig = { type: 'mcp', url: origin, allowPrivateAddresses: true };
    return call(connect(config), config, payTool({ request: undefined, mcpTool: 'close', deferOn }));
  }

  it('N1: that asks to wait tells for how long, whether or not its status is a proof, and what it said is kept', async () => {
    const slow = (status: number) => (_: unknown, response: ServerResponse) =>
      void response
        .writeHead(status, { 'retry-after': '20', 'content-type': 'application/json' })
        .end('{"error":"busy","id":1234567890123456789}');
    const body = { error: 'busy', id: { $number: '1234567890123456789' } };
    const told = { message: expect.stringContaining('20 s'), retryAfterMs: 20_000 };
    expect(await callWith(slow(429), [429])).toMatchObject({ ...MAY_WAIT, ...told, upstreamStatus: 429, body });
    const refused = await callWith(slow(429));
    expect(refused).toMatchObject({ status: 'failed', code: 'upstream_rejected', ...told, body });
    expect(refused).not.toHaveProperty('isDeferrable');
    expect(await callWith(slow(503))).toMatchObject({ status: 'outcome_unknown', ...told });

    const busy = await serve((_, response) => void response.writeHead(429, { 'retry-after': '20' }).end());
    const config: ConnectorConfig = { type: 'mcp', url: busy.origin, allowPrivateAddresses: true };
    expect(await call(connect(config), config, tool)).toMatchObject({
      ...MAY_WAIT,
      code: 'target_unreachable',
      ...told,
    });
  });

  it('that answers with an error of JSON-RPC has its sentence told', async () => {
    const error = (code: number, message: string) => (id: unknown, response: ServerResponse) =>
      json(200, { jsonrpc: '2.0', id, error: { code, message } })(undefined as never, response as never);
    expect(await callWith(error(-32_602, 'id must be at least 5'))).toMatchObject({
      status: 'failed',
      message: 'The upstream server refused the call (-32602): id must be at least 5',
    });
    expect(await callWith(error(-32_000, 'out of quota'))).toMatchObject({
      status: 'outcome_unknown',
      message: 'The upstream server answered with an error (-32000): out of quota',
    });
  });

  it('N3: a slow call gets the time that its tool, or its connector, allows', async () => {
    // Longer than the connector would wait by itself.
    const { url } = await mcpServer({ slowMs: 400 });
    const short: ConnectorConfig = { type: 'mcp', url, allowPrivateAddresses: true, timeout: '150ms' };
    expect(await call(connect(short), short, { ...tool, timeout: '5m' })).toMatchObject({ status: 'executed' });
    const long: ConnectorConfig = { ...short, timeout: '5m' };
    expect(await call(connect(long), long, tool)).toMatchObject({ status: 'executed' });
    expect(connect(long).timeoutMs).toBe(300_000);
  });
});

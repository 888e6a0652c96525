import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Connector, ConnectorResult } from '../../src/ports/connector.ts';
import type { ConnectorConfig } from '../../src/contract/config.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { toolSchema } from '../../src/contract/policy.ts';
import { ConnectorError, createConnector } from '../../src/connectors/index.ts';
import { renderTarget } from '../../src/domain/render/index.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A server program on standard input and output, as upstream servers are. */
const PROGRAM = `
import { appendFileSync } from 'node:fs';
import { McpServer } from ${JSON.stringify(import.meta.resolve('@modelcontextprotocol/sdk/server/mcp.js'))};
import { StdioServerTransport } from ${JSON.stringify(import.meta.resolve('@modelcontextprotocol/sdk/server/stdio.js'))};
import { z } from ${JSON.stringify(import.meta.resolve('zod'))};
const log = (line) => appendFileSync(process.env.LOG, line + '\\n');
log('started ' + process.env.TOKEN + ' ' + (process.env.WORKER_SECRET ?? 'clean'));
const server = new McpServer({ name: 'upstream', version: '1' });
const shape = { id: z.number() };
const text = (value) => ({ content: [{ type: 'text', text: value }] });
server.registerTool('close', { inputSchema: shape }, ({ id }) => { log('closed ' + id); return text('closed ' + id); });
server.registerTool('fail', { inputSchema: shape }, () => ({ isError: true, ...text('no') }));
server.registerTool('die', { inputSchema: shape }, () => { log('dying'); process.exit(1); });
server.registerTool('hang', { inputSchema: shape }, () => new Promise(() => {}));
server.registerTool('big', { inputSchema: shape }, () => text('x'.repeat(400_000)));
server.registerTool('exact', { inputSchema: shape }, () => ({ content: [{ type: 'text', text: 'a: 1e400' }], structuredContent: { id: '@@', list: ['@@'] } }));
// The SDK cannot write such a number itself.
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (line, ...rest) => write(String(line).replaceAll('"@@"', '1234567890123456789'), ...rest);
await server.connect(new StdioServerTransport());
`;

function stdioServer() {
  const directory = mkdtempSync(join(tmpdir(), 'holdpoint-mcp-'));
  const program = join(directory, 'server.mjs');
  const log = join(directory, 'log');
  writeFileSync(program, PROGRAM);
  writeFileSync(log, '');
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const config: ConnectorConfig = {
    type: 'mcp',
    command: [process.execPath, program],
    env: { TOKEN: 'env:TICKETS_TOKEN', LOG: log },
  };
  return { config, lines: () => readFileSync(log, 'utf8').trim().split('\n') };
}

function connect(config: ConnectorConfig): Connector {
  const connector = createConnector('tickets', config, () => 'upstream-token-1');
  cleanups.push(() => connector.close());
  return connector;
}

async function call(
  connector: Connector,
  name: string,
  {
    timeout,
    sendBy = Date.now() + 30_000,
    args = { id: 1 },
  }: { timeout?: string; sendBy?: number; args?: JsonObject } = {},
): Promise<ConnectorResult> {
  const tool = toolSchema.parse({
    name: `mcp.tickets.${name}`,
    class: 'irreversible',
    connector: 'tickets',
    ...(timeout === undefined ? {} : { timeout }),
  });
  const rendered = renderTarget(tool, 'tickets', { type: 'mcp', command: ['x'] }, args);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.errors));
  return connector.execute({
    tool,
    arguments: args,
    target: rendered.target,
    evidence: null,
    idempotencyKey: null,
    sendBy,
  });
}

const codeOf = (result: ConnectorResult): string =>
  result.status === 'executed' ? 'executed' : `${result.status} ${result.code}`;

describe('upstream MCP server as a child process', () => {
  it('starts with the first call, is kept, and gets its own environment alone', async () => {
    process.env['WORKER_SECRET'] = 'of the worker';
    cleanups.push(() => void delete process.env['WORKER_SECRET']);
    const { config, lines } = stdioServer();
    const connector = connect(config);
    expect(lines()).toEqual(['']);
    expect(await call(connector, 'close')).toEqual({
      status: 'executed',
      body: { content: [{ type: 'text', text: 'closed 1' }] },
    });
    await call(connector, 'close', { args: { id: 2 } });
    expect(lines()).toEqual(['started upstream-token-1 clean', 'closed 1', 'closed 2']);
    expect(connector.secrets()).toContain('upstream-token-1');
  });

  it('distinguishes a refusal and a lost answer', async () => {
    const connector = connect(stdioServer().config);
    expect(codeOf(await call(connector, 'fail'))).toBe('failed upstream_rejected');
    expect((await call(connector, 'close', { args: { id: 'not a number' } })).status).toBe('failed');
    expect((await call(connector, 'unknown')).status).toBe('failed');
    expect(codeOf(await call(connector, 'hang', { timeout: '1s' }))).toBe('outcome_unknown lost_answer');
  });

  it('B1: numbers keep their digits', async () => {
    const id = { $number: '1234567890123456789' };
    expect(await call(connect(stdioServer().config), 'exact')).toMatchObject({
      body: { content: [{ text: 'a: 1e400' }], structuredContent: { id, list: [id] } },
    });
  });

  it('a server that dies leaves the outcome unknown; the next call starts another', async () => {
    const { config, lines } = stdioServer();
    const connector = connect(config);
    expect(codeOf(await call(connector, 'die'))).toBe('outcome_unknown lost_answer');
    expect(codeOf(await call(connector, 'close'))).toBe('executed');
    expect(lines().filter((line) => line === 'dying')).toHaveLength(1);
    expect(lines().filter((line) => line.startsWith('started'))).toHaveLength(2);
  });

  it('calls nothing after sendBy', async () => {
    const { config, lines } = stdioServer();
    const connector = connect(config);
    expect(codeOf(await call(connector, 'close', { sendBy: Date.now() - 1 }))).toBe('failed target_unreachable');
    expect(lines().filter((line) => line.startsWith('closed'))).toEqual([]);
  });

  it('a program that is not there, or speaks something else, is a failure', async () => {
    expect(codeOf(await call(connect({ type: 'mcp', command: ['/nowhere/at-all'] }), 'close'))).toBe(
      'failed target_unreachable',
    );
    const silent = connect({ type: 'mcp', command: [process.execPath, '-e', 'process.stdin.resume()'] });
    expect(codeOf(await call(silent, 'close', { timeout: '1s' }))).toBe('failed target_unreachable');
    const rude = connect({ type: 'mcp', command: [process.execPath, '-e', 'console.log("hello")'] });
    expect(codeOf(await call(rude, 'close', { timeout: '2s' }))).toBe('failed target_unreachable');
  });
});

describe('upstream MCP server over HTTP', () => {
  async function httpServer(intercept?: (request: IncomingMessage, response: ServerResponse, body: string) => boolean) {
    const calls: number[] = [];
    const authorizations: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        authorizations.push(request.headers.authorization);
        if (intercept?.(request, response, body) === true) return;
        const upstream = new McpServer({ name: 'upstream', version: '1' });
        upstream.registerTool('close', { inputSchema: { id: z.number() } }, ({ id }) => {
          calls.push(id);
          return { content: [{ type: 'text', text: `closed ${id}` }] };
        });
        const transport = new StreamableHTTPServerTransport({});
        const parsed: unknown = body === '' ? undefined : JSON.parse(body);
        void upstream
          .connect(transport as Parameters<typeof upstream.connect>[0])
          .then(() => transport.handleRequest(request, response, parsed));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, calls, authorizations };
  }
  const configOf = (url: string): ConnectorConfig => ({
    type: 'mcp',
    url,
    credential: 'env:TICKETS_TOKEN',
    allowPrivateAddresses: true,
  });
  const isCall = (body: string): boolean => body.includes('tools/call');

  it('calls with the credential', async () => {
    const { url, calls, authorizations } = await httpServer();
    expect(await call(connect(configOf(url)), 'close')).toEqual({
      status: 'executed',
      body: { content: [{ type: 'text', text: 'closed 1' }] },
    });
    expect(calls).toEqual([1]);
    expect(new Set(authorizations)).toEqual(new Set(['Bearer upstream-token-1']));
  });

  it.each([
    ['application/json', (message: string) => message],
    ['text/event-stream', (message: string) => `event: message\r\ndata: ${message}\r\n\r\n`],
  ])(
    'B1: numbers keep their digits, in %s too, and a part of a later revision is no lost answer',
    async (type, frame) => {
      const content = '[{"type":"text","text":"\\u0031e400"},{"type":"hologram","size":1e400}]';
      const { url } = await httpServer((_, response, body) => {
        if (!isCall(body)) return false;
        const { id } = JSON.parse(body) as { readonly id: number };
        const result = `{"content":${content},"structuredContent":{"id":1234567890123456789}}`;
        response.writeHead(200, { 'content-type': type });
        response.end(frame(`{"jsonrpc":"2.0","id":${id},"result":${result}}`));
        return true;
      });
      expect(await call(connect(configOf(url)), 'close')).toEqual({
        status: 'executed',
        body: {
          content: [
            { type: 'text', text: '1e400' },
            { type: 'hologram', size: { $number: '1e400' } },
          ],
          structuredContent: { id: { $number: '1234567890123456789' } },
        },
      });
    },
  );

  it('refuses private addresses unless they are allowed', async () => {
    const { url, authorizations } = await httpServer();
    const config = { ...configOf(url), allowPrivateAddresses: false } as ConnectorConfig;
    expect(codeOf(await call(connect(config), 'close'))).toBe('failed target_refused');
    expect(authorizations).toEqual([]);
  });

  it('distinguishes a rejection, a failure and a lost connection, and follows no redirect', async () => {
    const other = await httpServer();
    const cases: readonly [(response: ServerResponse) => void, string][] = [
      [(response) => response.writeHead(403).end(), 'failed upstream_rejected'],
      [(response) => response.writeHead(500).end(), 'outcome_unknown lost_answer'],
      [(response) => response.destroy(), 'outcome_unknown lost_answer'],
      [(response) => response.writeHead(307, { location: other.url }).end(), 'outcome_unknown lost_answer'],
    ];
    for (const [answer, code] of cases) {
      const { url, calls } = await httpServer((_, response, body) => {
        if (isCall(body)) answer(response);
        return isCall(body);
      });
      expect(codeOf(await call(connect(configOf(url)), 'close'))).toBe(code);
      expect(calls).toEqual([]);
    }
    expect(other.calls).toEqual([]);
  });
});

describe('createConnector', () => {
  const missing = (): string => {
    throw new Error('not set');
  };
  it.each<[string, ConnectorConfig, string]>([
    ['http', { baseUrl: 'https://api.example.com', credential: 'env:MISSING' }, 'env:MISSING'],
    ['postgres', { url: 'env:MISSING_URL' }, 'env:MISSING_URL'],
    ['mcp', { type: 'mcp', command: ['x'], env: { TOKEN: 'file:/missing' } }, 'file:/missing'],
  ])('fails closed when a credential of %s is missing, and names it', (_, config, reference) => {
    for (const resolve of [missing, () => '']) {
      try {
        createConnector('target', config, resolve);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(ConnectorError);
        expect(error).toMatchObject({ code: 'credential_missing', connector: 'target', reference });
      }
    }
  });

  it('refuses a database address of another kind', () => {
    expect(() => createConnector('db', { url: 'mysql://localhost/x' }, () => '')).toThrow(
      expect.objectContaining({ code: 'connector_invalid', connector: 'db' }),
    );
  });

  it('resolves only the references that the configuration names', () => {
    const asked: string[] = [];
    const resolve = (reference: string): string => {
      asked.push(reference);
      return 'value-of-it';
    };
    createConnector('a', { baseUrl: 'https://a.example', credential: 'env:A' }, resolve);
    createConnector('b', { baseUrl: 'https://b.example' }, resolve);
    expect(asked).toEqual(['env:A']);
  });
});

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSendPost } from '../../src/cli/compose/send.ts';
import { createHttpConnector } from '../../src/connectors/http/connector.ts';
import { createMcpConnector } from '../../src/connectors/mcp/connector.ts';
import { toolSchema } from '../../src/contract/policy.ts';
import { noProxy } from '../../src/domain/proxy.ts';
import type { ConnectorResult } from '../../src/ports/connector.ts';
import { createAuthority, type Certificates } from '../support/certificates.ts';
import { sendFrom } from '../support/outgoing.ts';

let authority: Certificates;
const servers: Server[] = [];
beforeAll(() => {
  authority = createAuthority();
});
afterAll(() => authority.remove());
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Nothing listens there (any more). */
async function closedPort(): Promise<number> {
  const server = createPlainServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** A server whose certificate is for these names, and has so many days left. */
function serveTls(names: string, days = 30): Promise<number> {
  return listen(createServer(authority.issue({ names, days }), (_, response) => response.end('{"ok":true}')));
}

const tool = toolSchema.parse({
  name: 'svc.pay',
  class: 'irreversible',
  connector: 'svc',
  request: { method: 'POST', path: '/pay' },
  preview: { requests: [{ path: '/state', facts: [{ name: 'a', label: 'A', pointer: '/a' }] }] },
});
const inputOf = (url: string) => ({
  tool,
  arguments: {},
  target: { connector: 'svc', request: { method: 'POST', url, headers: {} } },
  evidence: null,
  idempotencyKey: null,
  sendBy: Number.POSITIVE_INFINITY,
});
function call(baseUrl: string, allowPrivateAddresses = true): Promise<ConnectorResult> {
  const config = { baseUrl, allowPrivateAddresses };
  return createHttpConnector({ proxy: noProxy, config, secret: null }).execute(inputOf(`${baseUrl}/pay`));
}
function callMcp(url: string, allowPrivateAddresses = true): Promise<ConnectorResult> {
  const config = { type: 'mcp' as const, url, allowPrivateAddresses };
  const connector = createMcpConnector({ proxy: noProxy, config, secret: null, env: () => ({}) });
  return connector.execute({ ...inputOf(url), target: { connector: 'svc', request: { tool: 'pay' } } });
}
async function callTrusting(baseUrl: string): Promise<unknown> {
  const config = { baseUrl, allowPrivateAddresses: true };
  const [result] = await sendFrom({ NODE_EXTRA_CA_CERTS: authority.caFile }, { client: 'http', config });
  return result;
}
const unreachable = (...words: readonly string[]) => ({
  status: 'failed',
  code: 'target_unreachable',
  message: expect.stringMatching(new RegExp(words.join('.*'), 's')) as string,
});

describe('a certificate that is not accepted', () => {
  it('S5: of a private authority names the reason and where to give the authority, when it is called', async () => {
    const port = await serveTls('IP:127.0.0.1');
    const wanted = unreachable('authority', 'NODE_EXTRA_CA_CERTS', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    expect(await call(`https://127.0.0.1:${port}`)).toMatchObject(wanted);
    expect(await callMcp(`https://127.0.0.1:${port}/mcp`)).toMatchObject(wanted);
  });

  it('S5: and when it is previewed, before people are asked', async () => {
    const port = await serveTls('IP:127.0.0.1');
    const baseUrl = `https://127.0.0.1:${port}`;
    const connector = createHttpConnector({
      proxy: noProxy,
      config: { baseUrl, allowPrivateAddresses: true },
      secret: null,
    });
    const { tool: previewed, arguments: args, target } = inputOf(`${baseUrl}/pay`);
    const signal = AbortSignal.timeout(10_000);
    expect(await connector.preview?.({ tool: previewed, arguments: args, target, signal })).toMatchObject({
      ok: false,
      code: 'target_unreachable',
      message: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
    });
  });

  it('S5: works once the authority is given there', async () => {
    const port = await serveTls('IP:127.0.0.1');
    expect(await callTrusting(`https://127.0.0.1:${port}`)).toMatchObject({ status: 'executed' });
  });

  it.each([
    ['for another host', 'DNS:other.example.com', 30, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['expired', 'IP:127.0.0.1', -1, 'CERT_HAS_EXPIRED'],
    ['issued for clients', 'IP:127.0.0.1\nextendedKeyUsage=clientAuth', 30, 'not issued for this use'],
  ])('S5: %s says so where the authority is trusted', async (_what, names, days, code) => {
    const port = await serveTls(names, days);
    expect(await callTrusting(`https://127.0.0.1:${port}`)).toMatchObject(unreachable(code));
  });

  it('S5: a server that wants a certificate of the client is told as such, not as one of another TLS version', async () => {
    const given = authority.issue({ names: 'IP:127.0.0.1' });
    const ca = readFileSync(authority.caFile);
    const demanding = { requestCert: true, rejectUnauthorized: true, ca, maxVersion: 'TLSv1.2' } as const;
    const port = await listen(createServer({ ...given, ...demanding }, (_, response) => response.end('{}')));
    expect(await callTrusting(`https://127.0.0.1:${port}`)).toMatchObject(unreachable('a certificate of the client'));
  });

  it('S5: of a webhook is a code of its own in the list of deliveries', async () => {
    const port = await serveTls('IP:127.0.0.1');
    const post = { url: `https://127.0.0.1:${port}/hook`, headers: {}, body: '{}', allowPrivateAddresses: true };
    expect(await createSendPost(noProxy)({ ...post, signal: AbortSignal.timeout(10_000) })).toEqual({
      kind: 'not_sent',
      code: 'certificate_untrusted',
    });
  });
});

describe('a target that cannot be reached says why', () => {
  it('no TLS at this port', async () => {
    const port = await listen(createPlainServer((_, response) => response.end('x')));
    expect(await call(`https://127.0.0.1:${port}`)).toMatchObject(unreachable('does not speak TLS', 'http://'));
  });

  it('nothing listens; no such name', async () => {
    const port = await closedPort();
    expect(await call(`http://127.0.0.1:${port}`)).toMatchObject(unreachable('ECONNREFUSED'));
    expect(await callMcp(`http://127.0.0.1:${port}/mcp`)).toMatchObject(unreachable('ECONNREFUSED'));
    expect(await call('http://no-such-host.invalid')).toMatchObject(unreachable('(ENOTFOUND|EAI_AGAIN)'));
  });

  it('S8: a private address names the setting', async () => {
    const refused = { code: 'target_refused', message: expect.stringContaining('allowPrivateAddresses') as string };
    const port = await closedPort();
    expect(await call(`http://127.0.0.1:${port}`, false)).toMatchObject(refused);
    expect(await callMcp(`http://127.0.0.1:${port}/mcp`, false)).toMatchObject(refused);
  });

  it('a command of an MCP server that does not exist', async () => {
    const config = { type: 'mcp' as const, command: ['no-such-command-here'] };
    const connector = createMcpConnector({ proxy: noProxy, config, secret: null, env: () => ({}) });
    const target = { connector: 'svc', request: { tool: 'pay' } };
    expect(await connector.execute({ ...inputOf('http://x.test'), target })).toMatchObject(unreachable('ENOENT'));
  });
});

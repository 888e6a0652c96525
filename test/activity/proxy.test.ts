import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createHttpConnector } from '../../src/connectors/http/connector.ts';
import { readProxy } from '../../src/domain/proxy.ts';
import { createAuthority, type Certificates } from '../support/certificates.ts';
import { startConnectProxy, type ConnectProxy } from '../support/connect-proxy.ts';
import { sendFrom, type Outgoing } from '../support/outgoing.ts';

const PUBLIC = '93.184.216.34';
const HOST = 'https://svc.example.com';

let authority: Certificates;
let target: Server;
let port: number;
let trust: Readonly<Record<string, string>>;
const seen: string[] = [];
const proxies: ConnectProxy[] = [];

beforeAll(async () => {
  authority = createAuthority();
  trust = { NODE_EXTRA_CA_CERTS: authority.caFile };
  const names = 'DNS:svc.example.com,DNS:slack.example.com,DNS:login.example.com,DNS:localhost,IP:127.0.0.1';
  target = createServer(authority.issue({ names }), (request, response) => {
    seen.push(`${request.method} ${request.headers.host}${request.url}`);
    const issuer = { issuer: 'https://login.example.com', jwks_uri: 'https://login.example.com/jwks' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, ...issuer }));
  });
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  port = (target.address() as AddressInfo).port;
});
afterEach(async () => {
  seen.length = 0;
  for (const proxy of proxies.splice(0)) await proxy.close();
});
afterAll(() => {
  target.close();
  target.closeAllConnections();
  authority.remove();
});

async function startProxy(refuseWith?: number): Promise<ConnectProxy> {
  const proxy = await startConnectProxy(port, refuseWith);
  proxies.push(proxy);
  return proxy;
}
const authoritiesOf = ({ asked }: ConnectProxy): readonly string[] => asked.map((one) => one.authority);
const http = (baseUrl: string, more: { allowPrivateAddresses?: boolean; address?: string } = {}): Outgoing => {
  const { address, ...config } = more;
  return { client: 'http', config: { baseUrl, ...config }, ...(address === undefined ? {} : { address }) };
};

describe('HTTPS_PROXY', () => {
  it('is used by every client: connectors, MCP upstreams, webhooks, Slack, the identity provider', async () => {
    const proxy = await startProxy();
    const results = await sendFrom(
      { ...trust, HTTPS_PROXY: proxy.url.replace('http://', 'http://user:p%40ss@') },
      http(HOST, { address: PUBLIC }),
      http(HOST, { allowPrivateAddresses: true }),
      { client: 'mcp', config: { type: 'mcp', url: `${HOST}/mcp`, allowPrivateAddresses: true } },
      { client: 'webhook', url: `${HOST}/hook`, allowPrivateAddresses: true },
      { client: 'fetch', url: 'https://slack.example.com/api' },
      { client: 'identity provider', issuer: 'https://login.example.com' },
    );
    // Whose address is checked is asked for by that address; TLS is with the host all the same.
    const byName = 'svc.example.com:443';
    expect(authoritiesOf(proxy)).toEqual([
      `${PUBLIC}:443`,
      byName,
      byName,
      byName,
      'slack.example.com:443',
      'login.example.com:443',
    ]);
    expect(new Set(proxy.asked.map(({ login }) => login))).toEqual(new Set([`Basic ${btoa('user:p@ss')}`]));
    expect(results[0]).toMatchObject({ status: 'executed', body: { ok: true } });
    expect(results[1]).toMatchObject({ status: 'executed' });
    expect(results[3]).toMatchObject({ kind: 'answer', status: 200 });
    expect(results[4]).toMatchObject({ kind: 'answer', status: 200 });
    expect(results[5]).toEqual({ found: true });
    expect(seen).toEqual(
      expect.arrayContaining([
        'GET svc.example.com/things',
        'POST svc.example.com/mcp',
        'POST svc.example.com/hook',
        'POST slack.example.com/api',
      ]),
    );
  });

  it('does not weaken the check of addresses', async () => {
    const proxy = await startProxy();
    const results = await sendFrom(
      { ...trust, HTTPS_PROXY: proxy.url },
      http(HOST, { address: '10.0.0.7' }),
      http(`https://127.0.0.1:${port}`),
      http('https://no-such-host.invalid'),
    );
    expect(results.map(({ code }) => code)).toEqual(['target_refused', 'target_refused', 'target_unreachable']);
    expect(results[2]?.['message']).toContain('allowPrivateAddresses: true');
    expect(proxy.asked).toEqual([]);
  });

  it('is not used for hosts of NO_PROXY, nor for plain http', async () => {
    const proxy = await startProxy();
    const own = `https://localhost:${port}`;
    const results = await sendFrom(
      { ...trust, https_proxy: proxy.url, no_proxy: 'example.org,localhost' },
      http(own, { allowPrivateAddresses: true }),
      { client: 'fetch', url: `${own}/api` },
      http(`http://127.0.0.1:${new URL(proxy.url).port}`, { allowPrivateAddresses: true }),
    );
    expect(results[0]).toMatchObject({ status: 'executed' });
    expect(results[1]).toMatchObject({ kind: 'answer', status: 200 });
    expect(results[2]).toMatchObject({ upstreamStatus: 400 });
    expect(proxy.asked).toEqual([]);
  });
});

describe('a proxy that does not connect', () => {
  const call = (url: string) => {
    const proxy = readProxy(url, undefined);
    const resolve = async () => [{ address: PUBLIC, family: 4 as const }];
    const connector = createHttpConnector({ config: { baseUrl: HOST, timeout: '10s' }, secret: null, proxy, resolve });
    return connector.execute({
      tool: {
        name: 'svc.pay',
        class: 'irreversible',
        connector: 'svc',
        request: { method: 'POST', path: '/pay' },
      },
      arguments: {},
      target: { connector: 'svc', request: { method: 'POST', url: `${HOST}/pay`, headers: {} } },
      evidence: null,
      idempotencyKey: null,
      sendBy: Number.POSITIVE_INFINITY,
    });
  };
  const failedWith = (...words: readonly string[]) => ({
    status: 'failed',
    code: 'target_unreachable',
    message: expect.stringMatching(new RegExp(words.join('.*'), 's')) as string,
  });

  it.each<[number, ...string[]]>([
    [403, 'answered 403', 'NO_PROXY', 'allowPrivateAddresses'],
    [407, 'answered 407', 'user and password'],
    [502, 'answered 502', PUBLIC],
  ])('answering %i is told, and nothing was sent', async (status, ...words) => {
    const proxy = await startProxy(status);
    expect(await call(proxy.url)).toMatchObject(failedWith(...words));
    expect(seen).toEqual([]);
  });

  it('that is not there is told apart from a target that is not', async () => {
    const proxy = await startProxy();
    await proxies.pop()?.close();
    expect(await call(proxy.url)).toMatchObject(failedWith('proxy of HTTPS_PROXY', 'ECONNREFUSED'));
  });

  it('a certificate is checked through it as without', async () => {
    const proxy = await startProxy();
    expect(await call(proxy.url)).toMatchObject(failedWith('NODE_EXTRA_CA_CERTS'));
    expect(authoritiesOf(proxy)).toEqual([`${PUBLIC}:443`]);
    expect(seen).toEqual([]);
  });
});

import { once } from 'node:events';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkConnectors } from '../../src/cli/commands/doctor/connectors.ts';
import { checkIdentityProvider, type Finding } from '../../src/cli/commands/doctor/checks.ts';
import { noProxy } from '../../src/domain/proxy.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { resolveReference } from '../../src/storage/keys/index.ts';
import { createAuthority } from '../support/certificates.ts';
import { freePort } from '../support/ports.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';

const POLICY =
  'version: 1\napprovals: [{ match: "true", levels: [{ name: approval, approvers: [ops], quorum: 1 }] }]\n';

let database: Postgres;
let plain: Server;
let tls: Server;
const requests: string[] = [];
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeAll(async () => {
  database = await startPostgres();
  const authority = createAuthority();
  tls = createServer(authority.issue({ names: 'IP:127.0.0.1' }));
  authority.remove();
  plain = createPlainServer((request, response) => {
    requests.push(request.url ?? '');
    response.end();
  });
  for (const server of [plain, tls]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
});
afterAll(() => {
  database?.stop();
  plain?.close();
  tls?.close();
});

async function check(line: string, env: Readonly<Record<string, string>> = {}): Promise<Finding | undefined> {
  const result = loadSettings({
    config: { name: 'holdpoint.yaml', text: `policy: p\nconnectors:\n  svc: ${line}\n` },
    policy: { name: 'policy.yaml', text: POLICY },
    catalogs: new Map(),
    deploymentId: 'test',
  });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  const resolve = (reference: string): string => resolveReference(reference, '/', env);
  const [finding] = await checkConnectors({ ...result, resolve }, noProxy);
  return finding;
}
const http = (port: number, scheme = 'http'): string =>
  `{ baseUrl: "${scheme}://127.0.0.1:${port}", credential: "env:TOKEN", allowPrivateAddresses: true }`;
const ENV = { TOKEN: 'secret-token' };

describe('doctor, identity provider', () => {
  const check = async (issuer: string) => {
    const result = loadSettings({
      config: { name: 'holdpoint.yaml', text: `policy: p\noidc:\n  issuer: ${issuer}\n  clientId: x\n` },
      policy: { name: 'policy.yaml', text: POLICY },
      catalogs: new Map(),
      deploymentId: 'test',
    });
    if (!result.ok) throw new Error('not loaded');
    return checkIdentityProvider({ ...result, resolve: () => '' }, true);
  };

  it('S5: a certificate of a private authority is told with the line and where to give the authority', async () => {
    const [finding] = await check(`https://127.0.0.1:${portOf(tls)}`);
    expect(finding).toMatchObject({ check: 'identity provider', status: 'fail' });
    expect(finding?.message).toMatch(/^holdpoint\.yaml:3:11: .*NODE_EXTRA_CA_CERTS/);
  });

  it('that answers is reached', async () => {
    expect(await check(`http://127.0.0.1:${portOf(plain)}/realm`)).toMatchObject([{ status: 'ok' }]);
    expect(requests.splice(0)).toEqual(['/realm/.well-known/openid-configuration']);
  });
});

describe('doctor --connectors', () => {
  it('an HTTP target that can be reached, without a request', async () => {
    expect(await check(http(portOf(plain)), ENV)).toMatchObject({ check: 'connector svc', status: 'ok' });
    expect(requests).toEqual([]);
  });

  it.each<[string, () => string | Promise<string>, string]>([
    ['a target where nothing listens', async () => http(await freePort()), 'ECONNREFUSED'],
    [
      'S5: a target whose certificate is of a private authority',
      () => http(portOf(tls), 'https'),
      'NODE_EXTRA_CA_CERTS',
    ],
    ['a target that speaks no TLS', () => http(portOf(plain), 'https'), 'does not speak TLS'],
    [
      'a target without a database',
      async () => `{ url: "postgres://app@127.0.0.1:${await freePort()}/x" }`,
      'ECONNREFUSED',
    ],
    [
      'a target whose database does not know the login',
      () => `{ url: "${database.url('postgres', 'nobody')}" }`,
      '28000',
    ],
    ['a target whose database has no TLS', () => `{ url: "${database.url()}?sslmode=require" }`, 'sslmode'],
    ['a target of an MCP server that does not exist', () => '{ type: mcp, command: [no-such-command-here] }', 'ENOENT'],
  ])('%s is named with its line and the reason', async (_what, line, reason) => {
    const finding = await check(await line(), ENV);
    expect(finding?.status).toBe('fail');
    expect(finding?.message).toMatch(/^holdpoint\.yaml:3:3: /);
    expect(finding?.message).toContain(reason);
    expect(JSON.stringify(finding)).not.toContain(ENV.TOKEN);
  });

  it('a missing credential is named', async () => {
    const finding = await check(http(portOf(plain)));
    expect(finding).toMatchObject({ status: 'fail', message: expect.stringContaining('env:TOKEN') as string });
  });

  it('D1: a pooler before a database is recognised, with what its mode means', async () => {
    for (const [mode, words] of [
      ['transaction', 'settings are local to each call'],
      ['session', 'through a pooler in session mode'],
    ] as const) {
      const pooler = await startPgBouncer(database, { mode, poolSize: 2, users: ['postgres'] });
      try {
        const finding = await check(`{ url: "${pooler.url('postgres')}" }`);
        expect(finding).toMatchObject({ status: 'ok', message: expect.stringContaining(words) as string });
      } finally {
        await pooler.stop();
      }
    }
    expect(await check(`{ url: "${database.url()}" }`)).toMatchObject({ message: 'can be reached' });
  });

  it('a database is signed in to; an embedded one is left alone', async () => {
    expect(await check(`{ url: "${database.url()}" }`)).toMatchObject({ status: 'ok' });
    expect(await check('{ url: "pglite:/nonexistent/db" }')).toMatchObject({ status: 'skipped' });
  });
});

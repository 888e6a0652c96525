import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageFile } from '../../src/cli/embedded/cache.ts';
import { EXIT } from '../../src/cli/ui/exit.ts';
import { freePort } from '../support/ports.ts';
import { runHoldpoint, startPart, type Part } from '../support/parts.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';
import { devServer } from '../support/servers.ts';

/** The topology of docker-compose.yml from binaries: PostgreSQL, a Temporal server, and one process for each part. */
const AGENT = 'hpk_parts';
const REVIEWER = 'hpr_parts';
const CREDENTIAL = 'payouts-credential-of-the-execute-worker';
const PASSWORD = `p/a@s:s%w'd`;

let directory: string;
let postgres: Postgres;
let database: string;
let temporal: Awaited<ReturnType<typeof devServer>>;
let target: Server;
let seen: string[];
let url: string;
let health: number;
const parts = new Map<string, Part>();

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const login = (role: string) => postgres.url(database, role);
const keys = (part: string) => join(directory, 'keys', part);

const loginOf = (role: 'api' | 'review' | 'gate' | 'execute') => ({
  DATABASE_URL: login(`holdpoint_${role}`),
  DATABASE_PASSWORD_FILE: join(directory, `${role}_db_password`),
});

function environment(part: 'api' | 'gate' | 'execute'): Record<string, string> {
  return {
    HOLDPOINT_CONFIG: join(directory, 'holdpoint.yaml'),
    HOLDPOINT_DATA_DIR: join(directory, `data-${part}`),
    HOLDPOINT_KEYS_DIR: keys(part),
    TEMPORAL_ADDRESS: temporal.address,
    ...loginOf(part === 'api' ? 'review' : part),
  };
}
const COMMANDS = {
  api: () => startPart(['api'], { ...environment('api'), HOLDPOINT_PORT: new URL(url).port }, directory),
  gate: () =>
    startPart(
      ['worker', '--role', 'gate'],
      { ...environment('gate'), HOLDPOINT_HEALTH_PORT: String(health) },
      directory,
    ),
  execute: () =>
    startPart(['worker', '--role', 'execute'], { ...environment('execute'), PAYOUTS_TOKEN: CREDENTIAL }, directory),
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-parts-'));
  seen = [];
  target = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.setHeader('content-type', 'application/json').end('{"paid":true}');
  }).listen(0, '127.0.0.1');
  [postgres, temporal] = await Promise.all([startPostgres(), devServer()]);
  database = 'holdpoint';
  makeLogins();
  writeFileSync(join(directory, 'policy.yaml'), POLICY);
  writeFileSync(join(directory, 'holdpoint.yaml'), configFor((target.address() as AddressInfo).port));
  runHoldpoint(['keys', 'init', '--deployment', 'parts', '--split', join(directory, 'keys')], {}, directory);
  runHoldpoint(['migrate', '--create-roles', directory], { DATABASE_URL: login('postgres') }, directory);
  url = `http://127.0.0.1:${await freePort()}`;
  health = await freePort();
  for (const [name, start] of Object.entries(COMMANDS)) parts.set(name, start());
  await ready();
}, 300_000);

afterAll(async () => {
  await Promise.all([...parts.values()].map((part) => part.stop()));
  await temporal.stop();
  postgres.stop();
  target.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The passwords; what the database's container does on its first start. */
function makeLogins(): void {
  for (const name of ['temporal', 'owner', 'api', 'review', 'gate', 'execute']) {
    writeFileSync(join(directory, `${name}_db_password`), `${PASSWORD}\n`);
  }
  const server = ['-h', '127.0.0.1', '-p', String(postgres.port), '-U', 'postgres'];
  execFileSync('createdb', [...server, database]);
  execFileSync('sh', [packageFile('docker', 'postgres', 'init.sh')], {
    env: {
      PATH: process.env.PATH ?? '',
      POSTGRES_USER: 'postgres',
      PGHOST: '127.0.0.1',
      PGPORT: String(postgres.port),
      SECRETS_DIR: directory,
    },
  });
}

async function ready(): Promise<void> {
  const until = performance.now() + 120_000;
  let status = 0;
  while (status !== 200) {
    if (performance.now() > until || [...parts.values()].some((part) => part.hasEnded())) {
      throw new Error([...parts].map(([name, part]) => `${name}: ${part.output().slice(-1500)}`).join('\n'));
    }
    status = await fetch(`${url}/readyz`).then(
      (response) => response.status,
      () => 0,
    );
    await sleep(100);
  }
}

async function call(method: 'GET' | 'POST', path: string, credential: string, body?: unknown) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const propose = (amount: number, reason = '') =>
  call('POST', '/v1/execute', AGENT, { service: 'payouts', tool: 'payouts.create', arguments: { amount }, reason });

/** What a part has logged, each line parsed. */
const linesOf = (part: Part | undefined) =>
  (part?.output() ?? '')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await what())) {
    if (performance.now() > end) throw new Error(`not within a minute: ${what.toString()}`);
    await sleep(50);
  }
}

/** A worker that has just started may not have classified it yet: then there is nothing to decide on. */
async function digestOf(reviewId: string): Promise<string> {
  const until = performance.now() + 60_000;
  for (;;) {
    const { body } = await call('GET', `/v1/reviews/${reviewId}`, REVIEWER);
    const { digest } = body.call as { digest: string | null };
    if (digest !== null) return digest;
    if (performance.now() > until) throw new Error(`${reviewId} was not classified`);
    await sleep(100);
  }
}

async function approve(reviewId: string, comment?: string): Promise<void> {
  const digest = await digestOf(reviewId);
  const decision = { type: 'approve', digest, ...(comment === undefined ? {} : { comment }) };
  const decided = await call('POST', `/v1/reviews/${reviewId}/decision`, REVIEWER, decision);
  expect(decided.status).toBeLessThan(300);
}

describe('the parts apart', () => {
  test('a held call is approved and made once, with the credential of the execute worker', async () => {
    const proposed = await propose(1);
    expect(proposed).toMatchObject({ status: 202, body: { outcome: 'ESCALATE' } });
    const reviewId = String(proposed.body.reviewId);
    expect(seen).toEqual([]);
    await approve(reviewId);
    const final = await call('GET', `/v1/reviews/${reviewId}?waitSeconds=30`, REVIEWER);
    expect(final.body).toMatchObject({ status: 'approved', execution: { status: 'executed', body: { paid: true } } });
    expect(seen).toEqual([`POST /payouts Bearer ${CREDENTIAL}`]);
  });

  test('its record verifies offline, with the keys that were handed out', async () => {
    const { body } = await propose(2);
    const reviewId = String(body.reviewId);
    await approve(reviewId);
    await call('GET', `/v1/reviews/${reviewId}?waitSeconds=30`, REVIEWER);
    const proof = await call('GET', `/v1/reviews/${reviewId}/proof`, REVIEWER);
    expect(proof.status).toBe(200);
    writeFileSync(join(directory, 'proof.json'), JSON.stringify(proof.body));
    runHoldpoint(
      ['audit', 'verify', '--proof', 'proof.json', '--keys', join(keys('gate'), 'trust.json')],
      {},
      directory,
    );
  });

  test('a review can be followed through the logs of all parts: one line for each step, and nothing that was said', async () => {
    const said = ['8987654321', 'said by the agent', 'said by the reviewer'];
    const { body } = await propose(Number(said[0]), said[1]);
    const reviewId = String(body.reviewId);
    const refused = await call('POST', `/v1/reviews/${reviewId}/decision`, REVIEWER, {
      type: 'approve',
      digest: `sha256:${'0'.repeat(64)}`,
    });
    expect(refused.status).toBe(409);
    await approve(reviewId, said[2]);
    await call('GET', `/v1/reviews/${reviewId}?waitSeconds=30`, REVIEWER);
    const about = { reviewId, agent: 'billing', tool: 'payouts.create', class: 'irreversible' };
    const steps = () =>
      [...parts].map(([name, part]) => [
        name,
        ...linesOf(part).filter((line) => line.reviewId === reviewId && line.msg !== 'request'),
      ]);
    // The database has the result before this process has read the line.
    await until(() => steps().some(([, last]) => typeof last === 'object' && last.msg === 'executed'));
    expect(steps()).toEqual([
      ['api', expect.objectContaining({ msg: 'decision refused', reviewer: 'ops-1', code: 'digest_mismatch' })],
      [
        'gate',
        expect.objectContaining({ ...about, msg: 'held', gate: 'hard', outcome: 'pending' }),
        expect.objectContaining({
          ...about,
          msg: 'decided',
          decision: 'approve',
          reviewer: 'ops-1',
          outcome: 'approved',
        }),
      ],
      ['execute', expect.objectContaining({ ...about, msg: 'executed', outcome: 'executed', code: null })],
    ]);
    const asked = linesOf(parts.get('api')).find((line) => line.reviewId === reviewId);
    expect(asked).toMatchObject({ msg: 'request', route: '/v1/execute', agent: 'billing', outcome: 'ESCALATE' });
    for (const [name, part] of parts) {
      for (const line of linesOf(part)) {
        expect(line).toMatchObject({ part: name, instance: expect.any(String), version: expect.any(String) });
      }
      for (const word of said) expect(part.output()).not.toContain(word);
    }
  });

  test('the level of the log follows the config file', async () => {
    const file = join(directory, 'holdpoint.yaml');
    const config = readFileSync(file, 'utf8');
    const changes = () => linesOf(parts.get('api')).filter(({ msg }) => msg === 'the changed files are in force');
    writeFileSync(file, `${config}log: { level: debug }\n`);
    await until(async () => {
      await fetch(`${url}/healthz`);
      return linesOf(parts.get('api')).some(({ level, route }) => level === 20 && route === '/healthz');
    });
    writeFileSync(file, config);
    await until(() => changes().length === 2);
  });

  test.each([
    ['a setting is malformed', { HOLDPOINT_PORT: 'x' }, EXIT.configInvalid, 'setting_invalid'],
    ['an error is not caught', { NODE_OPTIONS: `--import=${THROW_ON_SIGNAL}` }, 1, 'failed'],
  ])('%s: the last line of the log says so, and there are no other words', async (_what, env, exit, code) => {
    const port = String(await freePort());
    const part = startPart(['api'], { ...environment('api'), HOLDPOINT_PORT: port, ...env }, directory);
    await until(() => part.hasEnded() || part.output().includes('the api listens'));
    part.child.kill('SIGUSR2');
    expect(await part.ended).toBe(exit);
    expect(linesOf(part).at(-1)).toMatchObject({ level: 60, part: 'api', code });
  });

  test('each part has its own keys only', () => {
    const held = (part: string) =>
      ['propose', 'review', 'execute', 'seal', 'mail', 'callback'].filter((role) =>
        existsSync(join(keys(part), `${role}.key`)),
      );
    expect([held('api'), held('gate'), held('execute')]).toEqual([
      ['propose', 'review'],
      ['mail', 'callback'],
      ['execute', 'seal'],
    ]);
  });

  test.each([
    ['holdpoint_api', `UPDATE holdpoint.ledger SET state = 'claimed'`],
    ['holdpoint_gate', `UPDATE holdpoint.ledger SET state = 'claimed'`],
    ['holdpoint_execute', `UPDATE holdpoint.ledger SET state = 'done'`],
    ['holdpoint_api', `SELECT holdpoint.commit_group('{}')`],
    ['holdpoint_api', `SELECT holdpoint.object('x', '{}')`],
    ['holdpoint_review', `SELECT holdpoint.commit_group('{}')`],
    ['holdpoint_gate', `DELETE FROM holdpoint.audit_entries`],
    ['holdpoint_execute', `UPDATE holdpoint.reviews SET status = 'approved'`],
  ])('the login of %s may not: %s', async (role, sql) => {
    const client = new pg.Client({ connectionString: login(role) });
    await client.connect();
    await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' });
    await client.end();
  });

  test('the credential is in no log, and not in the database', async () => {
    for (const part of parts.values()) expect(part.output()).not.toContain(CREDENTIAL);
    const client = new pg.Client({ connectionString: login('postgres') });
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>('SELECT * FROM holdpoint.reviews, holdpoint.ledger');
    await client.end();
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(CREDENTIAL);
  });

  test('a worker answers its health check', async () => {
    expect((await fetch(`http://127.0.0.1:${health}/healthz`)).status).toBe(200);
  });

  test('while the execute worker is away an approved call waits, and is made when it is back', async () => {
    expect(await parts.get('execute')?.stop()).toBe(0);
    const before = seen.length;
    const { body } = await propose(3);
    const reviewId = String(body.reviewId);
    await approve(reviewId);
    const waiting = await call('GET', `/v1/reviews/${reviewId}`, REVIEWER);
    expect(waiting.body).toMatchObject({ status: 'approved', execution: { status: 'not_started' } });
    expect(seen).toHaveLength(before);
    parts.set('execute', COMMANDS.execute());
    const final = await call('GET', `/v1/reviews/${reviewId}?waitSeconds=60`, REVIEWER);
    expect(final.body).toMatchObject({ execution: { status: 'executed' } });
    expect(seen).toHaveLength(before + 1);
  });

  test('the gate worker killed: what was pending is decided by the next one', async () => {
    const { body } = await propose(4);
    const reviewId = String(body.reviewId);
    parts.get('gate')?.child.kill('SIGKILL');
    parts.set('gate', COMMANDS.gate());
    await ready();
    await approve(reviewId);
    const final = await call('GET', `/v1/reviews/${reviewId}?waitSeconds=30`, REVIEWER);
    expect(final.body).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  });
});

describe('other cuts of the same parts', () => {
  /** A directory with one private key of a part, and what it trusts. */
  function oneKey(role: string): string {
    const only = join(directory, 'keys', `only-${role}`);
    for (const file of [`${role}.key`, 'trust.json']) cpSync(join(keys('all'), file), join(only, file));
    return only;
  }

  test('an api for agents, an api for reviewers, and one process with both workers', async () => {
    await Promise.all([...parts.values()].map((part) => part.stop()));
    parts.clear();
    const owner = new pg.Client({ connectionString: login('postgres') });
    await owner.connect();
    await owner.query('DROP ROLE IF EXISTS holdpoint_worker');
    await owner.query('CREATE ROLE holdpoint_worker LOGIN IN ROLE holdpoint_gate, holdpoint_execute');
    await owner.query('GRANT CONNECT ON DATABASE holdpoint TO holdpoint_worker');
    await owner.end();
    const agents = url;
    const reviewers = `http://127.0.0.1:${await freePort()}`;
    const api = (role: 'propose' | 'review', at: string) =>
      startPart(
        ['api', '--role', role],
        {
          ...environment('api'),
          ...loginOf(role === 'propose' ? 'api' : role),
          HOLDPOINT_KEYS_DIR: oneKey(role),
          HOLDPOINT_PORT: new URL(at).port,
        },
        directory,
      );
    parts.set('propose', api('propose', agents));
    parts.set('review', api('review', reviewers));
    const worker = { HOLDPOINT_KEYS_DIR: keys('all'), DATABASE_URL: login('holdpoint_worker') };
    const env = { ...environment('execute'), ...worker, PAYOUTS_TOKEN: CREDENTIAL };
    parts.set('workers', startPart(['worker', '--role', 'all'], env, directory));
    await ready();
    url = reviewers;
    await ready();

    url = agents;
    const before = seen.length;
    const { body } = await propose(5);
    const reviewId = String(body.reviewId);
    const digest = await digestOf(reviewId);
    const refused = await call('POST', `/v1/reviews/${reviewId}/decision`, REVIEWER, { type: 'approve', digest });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    url = reviewers;
    const unheard = await propose(6);
    expect(unheard.status).toBeGreaterThanOrEqual(400);
    await approve(reviewId);
    const final = await call('GET', `/v1/reviews/${reviewId}?waitSeconds=60`, REVIEWER);
    expect(final.body).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
    expect(seen).toHaveLength(before + 1);
    url = agents;
  });
});

describe('a part that lacks something does not start', () => {
  const ending = async (args: readonly string[], env: Record<string, string>) => {
    const part = startPart(args, env, directory);
    const code = await part.ended;
    return { code, output: part.output() };
  };
  const without = (name: string, env: Record<string, string>) => {
    const { [name]: _, ...rest } = env;
    return rest;
  };

  test('no database', async () => {
    const env = without('DATABASE_PASSWORD_FILE', without('DATABASE_URL', environment('gate')));
    const { code, output } = await ending(['worker', '--role', 'gate'], env);
    expect(code).toBe(3);
    expect(output).toContain('DATABASE_URL');
  });

  test('no credential for a connector', async () => {
    const env = { ...environment('execute'), HOLDPOINT_DATA_DIR: join(directory, 'data-other') };
    const { code, output } = await ending(['worker', '--role', 'execute'], env);
    expect(code).not.toBe(0);
    expect(output).toContain('PAYOUTS_TOKEN');
  });

  test.each(['api', 'gate', 'execute'] as const)('another Temporal than the database’s: %s', async (part) => {
    const args = part === 'api' ? ['api'] : ['worker', '--role', part];
    const other = await devServer();
    const { code, output } = await ending(args, {
      ...environment(part),
      PAYOUTS_TOKEN: CREDENTIAL,
      HOLDPOINT_DATA_DIR: join(directory, `data-elsewhere-${part}`),
      TEMPORAL_ADDRESS: other.address,
    });
    await other.stop();
    expect(code).toBe(EXIT.refused);
    expect(output).toContain('temporal_changed');
  });

  test('the keys of another part', async () => {
    const { code } = await ending(['api'], { ...environment('api'), HOLDPOINT_KEYS_DIR: keys('gate') });
    expect(code).toBe(3);
  });

  test('keys of another deployment', async () => {
    const other = join(directory, 'other.yaml');
    const text = readFileSync(join(directory, 'holdpoint.yaml'), 'utf8');
    writeFileSync(other, text.replace('deploymentId: parts', 'deploymentId: elsewhere'));
    const { code } = await ending(['api'], { ...environment('api'), HOLDPOINT_CONFIG: other });
    expect(code).toBe(3);
  });
});

const THROW_ON_SIGNAL = `data:text/javascript,${encodeURIComponent("process.on('SIGUSR2', () => { throw new Error('boom'); });")}`;

const POLICY = `version: 1
tools:
  - name: payouts.create
    class: irreversible
    connector: payouts
    request: { method: POST, path: "/payouts", body: arguments }
    arguments:
      type: object
      required: [amount]
      additionalProperties: false
      properties: { amount: { type: integer } }
approvals:
  - match: "true"
    levels: [{ name: approval, approvers: [ops], quorum: 1 }]
    ttl: 1h
`;

function configFor(port: number): string {
  return `deploymentId: parts
agents:
  - { id: billing, keySha256: ${sha256(AGENT)} }
reviewers:
  - { id: ops-1, groups: [ops], tokenSha256: ${sha256(REVIEWER)} }
policy: ./policy.yaml
connectors:
  payouts: { type: http, baseUrl: "http://127.0.0.1:${port}", credential: "env:PAYOUTS_TOKEN", allowPrivateAddresses: true }
`;
}

import { chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDoctor } from '../../src/cli/commands/doctor/run.ts';
import type { Finding } from '../../src/cli/commands/doctor/checks.ts';
import { checkDatabase } from '../../src/cli/commands/doctor/database.ts';
import { PART_NEEDS, type ApartName } from '../../src/cli/compose/part-needs.ts';
import { initKeys } from '../../src/cli/commands/keys.ts';
import { runMigrate } from '../../src/cli/compose/migrate.ts';
import { createIo } from '../../src/cli/ui/io.ts';
import type { Role } from '../../src/storage/database/roles.ts';
import { openDatabase } from '../../src/storage/store.ts';
import { capture, ioFor } from '../unit/cli-io.ts';
import { createAuthority } from '../support/certificates.ts';
import { freePort } from '../support/ports.ts';
import { postgresUser, startPostgres, type Postgres } from '../support/postgres.ts';

/** A PostgreSQL that asks for passwords, and what an operator has beside it. */
let server: Postgres;
let database: string;
let directory: string;
let hbaFile: string;
beforeAll(async () => {
  server = await startPostgres();
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-doctor-'));
  database = await server.createDatabase();
  const passwords = join(directory, 'passwords');
  await runMigrate({ env: { DATABASE_URL: server.url(database) }, print: () => undefined }, { createRoles: passwords });
  const admin = await openDatabase({ databaseUrl: server.url() });
  const [row] = await admin.query<{ hba_file: string }>('SHOW hba_file');
  hbaFile = row?.hba_file ?? '';
  await admin.close();
  await allow('host all all all scram-sha-256');
  initKeys(ioFor({ cwd: directory }), { split: 'keys', deployment: 'acme' });
  writeFileSync(join(directory, 'policy.yaml'), POLICY);
  writeFileSync(join(directory, 'holdpoint.yaml'), CONFIG);
}, 60_000);
afterAll(() => {
  server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const POLICY =
  'version: 1\napprovals: [{ match: "true", levels: [{ name: approval, approvers: [ops], quorum: 1 }] }]\n';
const CONFIG = `deploymentId: acme
policy: ./policy.yaml
reviewers: [{ id: ops-1, groups: [ops] }]
connectors:
  payouts: { baseUrl: "https://payouts.example.com", credential: "file:values/payouts" }
`;

/** The administrator keeps coming in without a password. */
async function allow(...lines: readonly string[]): Promise<void> {
  writeFileSync(hbaFile, ['host all postgres all trust', ...lines, ''].join('\n'));
  await server.sql('postgres', 'SELECT pg_reload_conf()');
}

const passwordOf = (role: string): string =>
  readFileSync(join(directory, 'passwords', `${role}_db_password`), 'utf8').trim();
function urlOf(role: Role | 'owner', { password = passwordOf(role), name = database } = {}): string {
  const url = new URL(server.url(name, `holdpoint_${role}`));
  url.password = encodeURIComponent(password);
  return url.href;
}
const check = async (url: string, role: Role = 'gate'): Promise<readonly Finding[]> =>
  checkDatabase(url, Date.now, [role]);
const first = async (url: string, role?: Role): Promise<Finding | undefined> => (await check(url, role))[0];

describe('a login that cannot be used', () => {
  it.each([
    ['a wrong password', () => urlOf('gate', { password: 'x' }), 'refuses the password', '--create-roles'],
    [
      'a database that is missing',
      () => urlOf('gate', { name: 'absent' }),
      'no database absent',
      'CREATE DATABASE absent',
    ],
  ])('%s', async (_what, url, message, fix) => {
    expect(await first(url())).toMatchObject({
      status: 'fail',
      message: expect.stringContaining(message) as string,
      fix: expect.stringContaining(fix) as string,
    });
  });

  it('a server that is down', async () => {
    const url = `postgresql://holdpoint_gate:x@127.0.0.1:${await freePort()}/holdpoint`;
    expect(await first(url)).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('ECONNREFUSED') as string,
      fix: expect.stringContaining('Start PostgreSQL') as string,
    });
  });

  it('a role without login, and a database that it may not enter', async () => {
    await server.sql('postgres', 'ALTER ROLE holdpoint_gate NOLOGIN');
    expect(await first(urlOf('gate'))).toMatchObject({ fix: 'ALTER ROLE holdpoint_gate LOGIN;' });
    await server.sql('postgres', 'ALTER ROLE holdpoint_gate LOGIN');
    await server.sql('postgres', `REVOKE CONNECT ON DATABASE ${database} FROM holdpoint_gate`);
    expect(await first(urlOf('gate'))).toMatchObject({
      fix: `GRANT CONNECT ON DATABASE ${database} TO holdpoint_gate;`,
    });
    await server.sql('postgres', `GRANT CONNECT ON DATABASE ${database} TO holdpoint_gate`);
  });

  it('a server that demands TLS, or has none', async () => {
    const tls = urlOf('gate').concat('?sslmode=verify-full');
    expect(await first(tls)).toMatchObject({ message: expect.stringContaining('does not speak TLS') as string });
    const authority = createAuthority();
    const { key, cert } = authority.issue({ names: 'IP:127.0.0.1' });
    const user = postgresUser();
    for (const [name, text] of [
      ['server.key', key],
      ['server.crt', cert],
    ] as const) {
      const path = join(dirname(hbaFile), name);
      writeFileSync(path, text, { mode: 0o600 });
      if (user !== null) chownSync(path, user.uid, user.gid);
    }
    await server.sql('postgres', 'ALTER SYSTEM SET ssl = on');
    await allow('hostssl all all all scram-sha-256');
    await expect
      .poll(async () => (await first(urlOf('gate')))?.message)
      .toContain('takes holdpoint_gate only with TLS');
    expect((await first(tls))?.message).toContain('NODE_EXTRA_CA_CERTS');
    expect((await check(`${tls}&sslrootcert=${authority.caFile}`)).filter(({ status }) => status !== 'ok')).toEqual([]);
    authority.remove();
    await allow('host all all all scram-sha-256');
  });
});

describe('the rights of a login', () => {
  const rights = async (role: Role, url = urlOf(role)): Promise<Finding | undefined> =>
    (await check(url, role)).find(({ check: name }) => name === 'database rights');

  it.each(['api', 'review', 'gate', 'execute'] as const)('%s: exactly its own', async (role) => {
    expect(await rights(role)).toMatchObject({ status: 'ok' });
  });

  it('of another part, of the owner, of an administrator', async () => {
    expect(await rights('api', urlOf('review'))).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('EXECUTE object') as string,
    });
    expect(await rights('gate', urlOf('owner'))).toMatchObject({ status: 'fail' });
    expect(await rights('gate', server.url(database))).toMatchObject({
      message: expect.stringContaining('SUPERUSER') as string,
    });
  });

  it('with one too few or too many, and how that is mended', async () => {
    await server.sql(
      database,
      'REVOKE EXECUTE ON FUNCTION holdpoint.object FROM holdpoint_review; GRANT holdpoint_execute TO holdpoint_gate; GRANT UPDATE (leaf) ON holdpoint.audit_entries TO holdpoint_api',
    );
    expect(await rights('review')).toMatchObject({
      message: 'holdpoint_review may not: EXECUTE object',
      fix: expect.stringContaining('holdpoint migrate') as string,
    });
    expect(await rights('gate')).toMatchObject({ fix: 'REVOKE holdpoint_execute FROM holdpoint_gate;' });
    expect(await rights('api')).toMatchObject({
      message: expect.stringContaining('UPDATE (leaf) audit_entries') as string,
      fix: expect.stringContaining('holdpoint migrate') as string,
    });
    await server.sql(database, 'REVOKE holdpoint_execute FROM holdpoint_gate');
    await runMigrate({ env: { DATABASE_URL: urlOf('owner') }, print: () => undefined }, {});
    for (const role of ['review', 'gate', 'api'] as const) expect(await rights(role)).toMatchObject({ status: 'ok' });
  });
});

describe('doctor --role', () => {
  async function doctor(role: ApartName, env: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    const captured = capture({
      cwd: directory,
      env: { HOLDPOINT_CONFIG: 'holdpoint.yaml', HOLDPOINT_DATA_DIR: join(directory, 'data'), ...env },
    });
    const streams = { ...captured.streams, now: () => Date.now() };
    await runDoctor(createIo(streams, { json: true }), { role }).catch(() => undefined);
    const { findings } = JSON.parse(captured.stdout()) as { readonly findings: readonly Finding[] };
    return Object.fromEntries(findings.map(({ check: name, status }) => [name, status]));
  }
  const keysOf = (part: string): Record<string, string> => ({ HOLDPOINT_KEYS_DIR: join(directory, 'keys', part) });
  const nowhere = { TEMPORAL_ADDRESS: '127.0.0.1:1' };

  it('judges by what that part needs', async () => {
    const env = { ...keysOf('execute'), ...nowhere, DATABASE_URL: urlOf('execute') };
    expect(await doctor('execute', env)).toMatchObject({
      'execute key': 'ok',
      'seal key': 'ok',
      references: 'fail',
      'database rights': 'ok',
      'rollback of the log': 'skipped',
      temporal: 'fail',
    });
    mkdirSync(join(directory, 'values'), { recursive: true });
    writeFileSync(join(directory, 'values', 'payouts'), 'secret\n');
    expect(await doctor('execute', env)).toMatchObject({ references: 'ok' });
    const gate = { ...keysOf('gate'), ...nowhere, DATABASE_URL: urlOf('gate') };
    expect(await doctor('gate', gate)).toMatchObject({ 'mail key': 'ok', references: 'ok', 'database rights': 'ok' });
    expect(await doctor('gate', { ...gate, ...keysOf('execute') })).toMatchObject({ 'other keys': 'warn' });
    expect(await doctor('api-propose', { ...keysOf('api'), ...nowhere })).toMatchObject({
      database: 'fail',
      'other keys': 'warn',
    });
  });

  it('knows the key of one role under the name of another', async () => {
    const mixed = join(directory, 'mixed');
    mkdirSync(mixed);
    copyFileSync(join(directory, 'keys', 'all', 'trust.json'), join(mixed, 'trust.json'));
    copyFileSync(join(directory, 'keys', 'all', 'review.key'), join(mixed, 'propose.key'));
    const env = { ...nowhere, HOLDPOINT_KEYS_DIR: mixed, DATABASE_URL: urlOf('api') };
    expect(await doctor('api-propose', env)).toMatchObject({ 'propose key': 'fail' });
  });

  it('has every part', () => {
    expect(Object.keys(PART_NEEDS)).toEqual(['api-propose', 'api-review', 'api', 'gate', 'execute', 'worker']);
  });
});

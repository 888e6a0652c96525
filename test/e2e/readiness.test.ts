import { execFileSync } from 'node:child_process';
import { appendFileSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { searchAttributeNames } from '../../src/workflows/messages.ts';
import type { Readiness } from '../../src/contract/api.ts';
import { DEPLOYMENT_ID, writeDeployment, type Deployment } from '../support/e2e-deployment.ts';
import { until } from '../support/e2e-world.ts';
import { runHoldpoint, startPart, type Part } from '../support/parts.ts';
import { freePort } from '../support/ports.ts';
import { postgresUser, startPostgres, type Postgres } from '../support/postgres.ts';
import { connectTo, devServer } from '../support/servers.ts';

/** Every outage is made for real, and the part that it hits, and the api, say which it is. */
type Name = 'api' | 'gate' | 'execute' | 'other';
const NAMES: readonly Name[] = ['api', 'gate', 'execute', 'other'];
const ARGS: Readonly<Record<Name, readonly string[]>> = {
  api: ['api'],
  gate: ['worker', '--role', 'gate'],
  execute: ['worker', '--role', 'execute'],
  other: ['worker', '--role', 'execute'],
};

let deployment: Deployment;
let postgres: Postgres;
let database: string;
let temporal: Awaited<ReturnType<typeof devServer>>;
let url: string;
const health = new Map<Name, number>();
const parts = new Map<Name, Part>();
const mounts: string[] = [];

const at = (name: string): string => join(deployment.directory, name);
const sql = (text: string, name = database): Promise<void> => postgres.sql(name, text);

/** A disk of its own, which a test can fill. */
function mountDisk(name: string, size: string): string {
  const path = join(tmpdir(), `${name}-${process.pid}`);
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', path]);
  mounts.push(path);
  return path;
}
function fillDisk(path: string): () => void {
  const filler = join(path, 'filler');
  const block = Buffer.alloc(65_536, 1);
  try {
    for (;;) appendFileSync(filler, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
  return () => rmSync(filler);
}

function start(name: Name, more: Readonly<Record<string, string>> = {}): void {
  const role = name === 'other' ? 'execute' : name;
  const env = {
    ...deployment.env,
    HOLDPOINT_CONFIG: deployment.configFile,
    HOLDPOINT_DATA_DIR: at(`data-${name}`),
    HOLDPOINT_KEYS_DIR: at('keys'),
    HOLDPOINT_PORT: new URL(url).port,
    HOLDPOINT_HEALTH_PORT: String(health.get(name)),
    TEMPORAL_ADDRESS: temporal.address,
    DATABASE_URL: postgres.url(database, `${role}_login:first`),
  };
  parts.set(name, startPart(ARGS[name], { ...env, ...more }, deployment.directory));
}

async function ask(path: string, base: string, token?: string): Promise<{ status: number; body: Partial<Readiness> }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(new URL(path, base), { headers });
  return { status: response.status, body: (await response.json()) as Partial<Readiness> };
}
const own = (name: Name, path = '/readyz') => ask(path, `http://127.0.0.1:${health.get(name)}`);
const api = () => ask('/readyz', url, deployment.credentials['ops-1']);
/** Of the first answer that names it; `whose`: as a problem of that part alone, of which others hear later. */
const named = (code: string, from: typeof api, whose?: string) =>
  until(
    async () => {
      const { status, body } = await from().catch(() => ({ status: 0, body: {} as Partial<Readiness> }));
      const problem = body.problems?.find(
        (one) => one.code === code && (whose === undefined || one.part?.name === whose),
      );
      return problem === undefined ? undefined : { status, problem };
    },
    { what: code, withinMs: 120_000 },
  );
const ready = (from: typeof api) =>
  until(async () => ((await from().catch(() => undefined))?.status === 200 ? true : undefined), {
    what: `readiness\n${[...parts].map(([name, part]) => `${name}: ${part.output().slice(-1000)}`).join('\n')}`,
    withinMs: 180_000,
  });

beforeAll(async () => {
  deployment = writeDeployment({ targetUrl: 'http://127.0.0.1:9' });
  [postgres, temporal] = await Promise.all([startPostgres(), devServer()]);
  const disk = mountDisk('holdpoint-database', '96m');
  const user = postgresUser();
  if (user !== null) chownSync(disk, user.uid, user.gid);
  await postgres.sql('postgres', `CREATE TABLESPACE small LOCATION '${disk}'`);
  database = 'named';
  await postgres.sql('postgres', 'CREATE DATABASE named TABLESPACE small');
  runHoldpoint(['migrate'], { DATABASE_URL: postgres.url(database) }, deployment.directory);
  for (const role of ['gate', 'execute'])
    await sql(`CREATE ROLE ${role}_login LOGIN PASSWORD 'first' IN ROLE holdpoint_${role}`);
  await sql(`CREATE ROLE api_login LOGIN PASSWORD 'first' IN ROLE holdpoint_review`);
  runHoldpoint(
    ['keys', 'init', '--deployment', DEPLOYMENT_ID],
    { HOLDPOINT_KEYS_DIR: at('keys') },
    deployment.directory,
  );
  url = `http://127.0.0.1:${await freePort()}`;
  for (const name of NAMES) health.set(name, await freePort());
  mkdirSync(at('data-execute'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', at('data-execute')]);
  mounts.push(at('data-execute'));
  writeFileSync(at('other.yaml'), stringify({ ...deployment.config, freeze: ['bank.order'] }));
  const ahead = 'const now = Date.now; Date.now = () => now() + 60000';
  for (const name of ['api', 'gate', 'execute'] as const) start(name);
  start('other', {
    HOLDPOINT_CONFIG: at('other.yaml'),
    NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(ahead)}"`,
  });
  for (const from of [api, ...NAMES.map((name) => () => own(name))]) await ready(from);
}, 600_000);

afterAll(async () => {
  await Promise.all([...parts.values()].map((part) => part.stop()));
  await temporal.stop();
  postgres.stop();
  for (const path of mounts) execFileSync('umount', ['-l', path]);
  deployment.remove();
});

// An outage that does not end is no place for the next one.
let hasFailed = false;
beforeEach(({ skip, onTestFailed }) => {
  skip(hasFailed, 'an earlier outage has not ended');
  onTestFailed(() => {
    hasFailed = true;
  });
});

test('a part answers for itself on its health port; the public port tells no names', { retry: 0 }, async () => {
  const { body } = await own('gate');
  expect(body.parts?.[0]).toMatchObject({ part: 'gate', problems: [] });
  expect(body.parts?.map(({ part }) => part).toSorted((a, b) => a.localeCompare(b))).toEqual([
    'api',
    'execute',
    'execute',
    'gate',
  ]);
  for (const name of NAMES) expect(await own(name, '/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
  expect(Object.keys((await ask('/readyz', url)).body).toSorted((a, b) => a.localeCompare(b))).toEqual([
    'problemCount',
    'ready',
  ]);
});

describe('named, and everything goes on', { retry: 0 }, () => {
  test('a clock that is apart, with whose it is', async () => {
    const { status, problem } = await named('clock_apart', api);
    expect([status, problem.part?.name]).toEqual([200, 'execute']);
    expect((await named('clock_apart', () => own('other'))).problem.message).toContain('60 s ahead');
  });

  test('parts that have different files in force', async () => {
    const { status, problem } = await named('config_differs', api);
    expect(status).toBe(200);
    expect(problem.message.match(/execute \(/g)).toHaveLength(2);
    await parts.get('other')?.stop();
    parts.delete('other');
    await until(async () => ((await api()).body.problems?.length === 0 ? true : undefined), { what: 'no problem' });
  });

  test('a sweep that has halted', async () => {
    await sql(`INSERT INTO holdpoint.sweep_halt (review_ids) VALUES ('[]')`);
    expect((await named('sweep_halted', api)).status).toBe(200);
    await sql('DELETE FROM holdpoint.sweep_halt');
  });

  test('a broken file at a restart: the last good one is in force, and its line is said', async () => {
    await parts.get('gate')?.stop();
    writeFileSync(deployment.configFile, `${stringify(deployment.config)}bogus: 1\n`);
    start('gate');
    await ready(() => own('gate'));
    const { status, problem } = await named('config_not_in_force', () => own('gate'), 'gate');
    expect([status, problem.message]).toEqual([200, expect.stringMatching(/holdpoint\.yaml:\d+:1: .*bogus/)]);
    expect(parts.get('gate')?.output()).toContain('the last good ones are');
    expect(() =>
      runHoldpoint(['policy', 'check'], { HOLDPOINT_CONFIG: deployment.configFile }, deployment.directory),
    ).toThrow('bogus');
    deployment.writeConfig(deployment.config);
    await until(async () => ((await own('gate')).body.problems?.length === 0 ? true : undefined), {
      what: 'no problem',
    });
  });
});

describe('down, by name', { retry: 0 }, () => {
  const downAt = async (code: string, name: Name) => {
    expect((await named(code, () => own(name), name)).status).toBe(503);
    // Only its servers are away.
    expect((await own(name, '/healthz')).status).toBe(200);
  };

  test('a search attribute that was removed', async () => {
    const environment = await connectTo(temporal.address);
    const { operatorService } = environment.connection;
    const [name = ''] = searchAttributeNames();
    await operatorService.removeSearchAttributes({ namespace: 'default', searchAttributes: [name] });
    const { status, problem } = await named('search_attribute_missing', api, 'api');
    expect([status, problem.message]).toEqual([503, expect.stringContaining(name)]);
    await operatorService.addSearchAttributes({ namespace: 'default', searchAttributes: { [name]: 2 } });
    await environment.teardown();
    await ready(api);
  });

  test('a password that was changed, while old connections go on', async () => {
    await sql(`DO $$ BEGIN EXECUTE format('COPY (VALUES (%L), (%L)) TO %L', 'host all execute_login 127.0.0.1/32 scram-sha-256',
      'host all all 127.0.0.1/32 trust', current_setting('hba_file')); END $$`);
    await sql(`ALTER ROLE execute_login PASSWORD 'second'`);
    await sql('SELECT pg_reload_conf()');
    await downAt('database_login_refused', 'execute');
    expect((await own('gate')).status).toBe(200);
    expect((await named('database_login_refused', api)).problem.part?.name).toBe('execute');
    await sql(`ALTER ROLE execute_login PASSWORD 'first'`);
    await ready(api);
  });

  test('a credential of a connector that is gone', async () => {
    // The environment of a process cannot be changed from outside, so it is one in a file.
    const { nowhere } = deployment.config.connectors as Record<string, object>;
    writeFileSync(at('token'), 'secret');
    deployment.writeConfig({
      ...deployment.config,
      connectors: { ...deployment.config.connectors, nowhere: { ...nowhere, credential: 'file:token' } } as never,
    });
    rmSync(at('token'));
    await downAt('credential_missing', 'execute');
    expect((await named('credential_missing', api)).status).toBe(200);
    deployment.writeConfig(deployment.config);
    await ready(() => own('execute'));
  });

  test('the disk of the data directory is full', async () => {
    const empty = fillDisk(at('data-execute'));
    await downAt('disk_full', 'execute');
    expect((await named('worker_unavailable', api)).status).toBe(503);
    empty();
    await ready(api);
  });

  test('the disk of the database is full', async () => {
    const empty = fillDisk(mounts[0] ?? '');
    await downAt('disk_full', 'gate');
    empty();
    await ready(api);
  });

  test('the database has stopped', async () => {
    postgres.crash();
    await downAt('database_unavailable', 'gate');
    expect((await named('database_unavailable', api)).status).toBe(503);
    postgres.restart();
    await ready(api);
  });

  test('a worker that was killed', async () => {
    parts.get('gate')?.child.kill('SIGKILL');
    expect((await named('worker_unavailable', api)).status).toBe(503);
    expect((await named('part_lost', api)).problem.part?.name).toBe('gate');
    start('gate');
    await ready(api);
  });

  test('Temporal has stopped', async () => {
    // Nothing of it is left, so it is the last of its tests; the log's comes without it.
    process.kill(temporal.pid, 'SIGSTOP');
    await downAt('temporal_unavailable', 'gate');
    process.kill(temporal.pid, 'SIGCONT');
    await ready(api);
  });

  test('a log that was rolled back: the execute worker stays up, and says it once', async () => {
    await sql(`SET session_replication_role = replica; UPDATE holdpoint.audit_head SET size = 0, peaks = '\\x'`);
    await downAt('log_rolled_back', 'execute');
    expect((await named('log_rolled_back', api)).status).toBe(503);
    await parts.get('execute')?.stop();
    start('execute');
    await downAt('log_rolled_back', 'execute');
    await sleep(3_000);
    const { output, hasEnded } = parts.get('execute') as Part;
    expect(hasEnded()).toBe(false);
    expect(output().match(/does not extend the last checkpoint/g)).toHaveLength(1);
  });
});

import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createConnector } from '../../src/connectors/index.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { toolSchema, type ToolDefinition } from '../../src/contract/policy.ts';
import { renderTarget } from '../../src/domain/render/index.ts';
import { loadSqlParser } from '../../src/domain/sql/parser.ts';
import type { Connector } from '../../src/ports/connector.ts';
import { startPgBouncer, type PgBouncer } from '../support/pgbouncer.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';

/**
 * Behind PgBouncer in transaction mode two server connections are shared by all clients: what one sets for its session
 * is there for whoever gets the connection next.
 */
const execute = toolSchema.parse({
  name: 'postgres.execute',
  class: 'irreversible',
  connector: 'db',
  sql: 'execute',
  preview: { builtin: 'sql' },
});
const select = toolSchema.parse({ name: 'postgres.select', class: 'reversible', connector: 'db', sql: 'select' });
const POOL_SIZE = 2;

let server: Postgres;
let pooler: PgBouncer;
let connector: Connector;
let name: string;

beforeAll(async () => {
  await loadSqlParser();
  server = await startPostgres();
  await server.sql('postgres', 'CREATE ROLE app LOGIN; CREATE ROLE other; GRANT other TO app');
  pooler = await startPgBouncer(server, { mode: 'transaction', poolSize: POOL_SIZE, users: ['app', 'postgres'] });
}, 30_000);
afterAll(async () => {
  await pooler?.stop();
  server?.stop();
});

beforeEach(async () => {
  name = await server.createDatabase();
  await server.sql(
    name,
    `ALTER SCHEMA public OWNER TO app; GRANT CREATE ON DATABASE ${name} TO app; SET ROLE app;
     CREATE TABLE users (id int PRIMARY KEY, seen timestamptz NOT NULL DEFAULT '2024-01-01 00:00Z');
     INSERT INTO users SELECT i FROM generate_series(1, 100) i;
     CREATE SCHEMA other; CREATE TABLE other.users (id int PRIMARY KEY)`,
  );
  connector = createConnector('db', { type: 'postgres', url: pooler.url(name, 'app') }, () => 'unused');
  return () => connector.close();
});

function callOf(tool: ToolDefinition, sql: string) {
  const args: JsonObject = { sql };
  const rendered = renderTarget(tool, 'db', { url: 'env:X' }, args);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.errors));
  return { tool, arguments: args, target: rendered.target };
}

async function preview(sql: string) {
  const found = await connector.preview?.({ ...callOf(execute, sql), signal: AbortSignal.timeout(30_000) });
  if (found?.ok !== true) throw new Error(found?.message);
  return found;
}

async function call(sql: string, tool = execute, sourceHash: string | null = null) {
  return connector.execute({
    ...callOf(tool, sql),
    evidence: { facts: [], sourceHash, gatheredAt: '2026-01-01T00:00:00Z' },
    idempotencyKey: null,
    sendBy: Date.now() + 60_000,
  });
}

/** Runs statements as other clients, on every connection of the pool. */
async function onEachConnection(...statements: readonly string[]): Promise<string[]> {
  const clients = Array.from({ length: POOL_SIZE }, () => new pg.Client({ connectionString: pooler.url(name, 'app') }));
  await Promise.all(clients.map((client) => client.connect()));
  try {
    // Open transactions at the same time: each has a connection of its own.
    await Promise.all(clients.map((client) => client.query('BEGIN')));
    const said: string[] = [];
    for (const client of clients) {
      for (const statement of statements) {
        const result = await client.query({ text: statement, rowMode: 'array' });
        said.push(...result.rows.map((row) => String(row[0])));
      }
    }
    await Promise.all(clients.map((client) => client.query('COMMIT')));
    return said;
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

const SHOWN = `SELECT name || '=' || setting FROM pg_settings WHERE source = 'session' ORDER BY name`;

describe('D1: settings of ours never reach other clients of a pool', () => {
  it('D1: a preview and an execution leave a neighbour’s settings as they are', async () => {
    const before = await onEachConnection(SHOWN, 'SHOW statement_timeout', 'SHOW lock_timeout', 'SHOW search_path');
    expect(before.filter((line) => line === '0')).toHaveLength(2 * POOL_SIZE);
    for (let round = 0; round < POOL_SIZE * 2; round += 1) {
      const { sourceHash } = await preview('DELETE FROM users WHERE id = 1');
      expect(sourceHash).not.toBeNull();
      await call('SELECT count(*) FROM users', select);
    }
    const found = await preview('DELETE FROM users WHERE id = 1');
    expect(await call('DELETE FROM users WHERE id = 1', execute, found.sourceHash)).toMatchObject({
      status: 'executed',
    });
    const after = await onEachConnection(SHOWN, 'SHOW statement_timeout', 'SHOW lock_timeout', 'SHOW search_path');
    expect(after).toEqual(before);
  });

  it('D1: a call that fails or drifts leaves them too', async () => {
    const before = await onEachConnection(SHOWN);
    await call('DELETE FROM nowhere');
    await call('DELETE FROM users WHERE 1 / (id - id) = 1');
    await call('DELETE FROM users WHERE id = 1', execute, `sha256:${'0'.repeat(64)}`);
    expect(await onEachConnection(SHOWN)).toEqual(before);
  });
});

describe('D2: settings of other clients of a pool never apply to ours', () => {
  const sample = 'SELECT id, seen FROM users WHERE id = 1';
  const neighbours: readonly (readonly [string, readonly string[]])[] = [
    ['another search path', [`SET search_path = other, public`]],
    ['no search path', [`SET search_path = ''`]],
    ['a temporary table of that name', ['CREATE TEMP TABLE users (id int PRIMARY KEY)']],
    ['another role', ['SET ROLE other']],
    ['a time-out of a millisecond', ['SET statement_timeout = 1']],
    ['another time zone and date style', [`SET TimeZone = 'Asia/Tokyo'`, `SET DateStyle = 'German'`]],
    ['read-only transactions', ['SET default_transaction_read_only = on']],
    ['serializable transactions', [`SET default_transaction_isolation = 'serializable'`]],
    ['settings of its planner and null comparisons', ['SET enable_seqscan = off', 'SET transform_null_equals = on']],
  ];

  it.each(neighbours)('D2: %s', async (_, statements) => {
    const expected = [{ id: 1, seen: '2024-01-01 00:00:00+00' }];
    await onEachConnection(...statements);
    for (let round = 0; round < POOL_SIZE * 2; round += 1) {
      expect(await call(sample, select)).toMatchObject({ status: 'executed', body: { rows: expected } });
      const id = 10 + round;
      const found = await preview(`DELETE FROM users WHERE id = ${id}`);
      expect(found.facts).toContainEqual(expect.objectContaining({ name: 'affected_rows', value: 1 }));
      const done = await call(`DELETE FROM users WHERE id = ${id}`, execute, found.sourceHash);
      expect(done).toMatchObject({ status: 'executed', body: { rowCount: 1 } });
    }
    const told = await call(
      `SELECT current_user AS me, current_setting('transaction_isolation') AS isolation`,
      // Not plain, so it runs as what is committed.
      execute,
    );
    expect(told).toMatchObject({ body: { rows: [{ me: 'app', isolation: 'read committed' }] } });
  });

  it('D2: the role’s own defaults hold', async () => {
    await server.sql(
      'postgres',
      `ALTER ROLE app IN DATABASE ${name} SET default_transaction_isolation = 'serializable';
       ALTER ROLE app IN DATABASE ${name} SET search_path = other`,
    );
    expect(
      await call(`INSERT INTO users VALUES (1) RETURNING current_setting('transaction_isolation') AS isolation`),
    ).toMatchObject({ status: 'executed', body: { rows: [{ isolation: 'serializable' }] } });
    expect(await call('SELECT id FROM users', select)).toMatchObject({ body: { rows: [{ id: 1 }] } });
    await server.sql('postgres', `ALTER ROLE app IN DATABASE ${name} SET default_transaction_read_only = on`);
    await server.sql('postgres', `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
    expect(await call('INSERT INTO users VALUES (2)')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('25006'),
    });
  });
});

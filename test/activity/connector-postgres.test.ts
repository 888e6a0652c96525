import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Connector, ConnectorResult, ExecuteInput, PreviewResult } from '../../src/ports/connector.ts';
import type { Evidence } from '../../src/contract/call.ts';
import type { ConnectorConfig } from '../../src/contract/config.ts';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { toolSchema, type ToolDefinition } from '../../src/contract/policy.ts';
import { beginTransaction, type SqlResult, type SqlSession } from '../../src/connectors/postgres/driver.ts';
import { createConnector } from '../../src/connectors/index.ts';
import { ALLOWED_FUNCTIONS, ALLOWED_OPERATORS, ALLOWED_TYPES } from '../../src/domain/sql/allow-list.ts';
import { loadSqlParser } from '../../src/domain/sql/parser.ts';
import { renderTarget } from '../../src/domain/render/index.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';

const execute = toolSchema.parse({
  name: 'postgres.execute',
  class: 'irreversible',
  connector: 'db',
  sql: 'execute',
  preview: { builtin: 'sql' },
});
const select = toolSchema.parse({ name: 'postgres.select', class: 'reversible', connector: 'db', sql: 'select' });
const DELETE_INACTIVE = "DELETE FROM users WHERE last_login < '2024-01-01'";

const SCHEMA = `
  CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, last_login date NOT NULL, big int8, note jsonb);
  INSERT INTO users SELECT i, 'user' || i || '@example.com',
    CASE WHEN i <= 1247 THEN date '2023-06-01' ELSE date '2024-06-01' END, 9007199254740993 + i, '{"ssn":"123"}'
    FROM generate_series(1, 10000) i;
  CREATE TABLE orders (id serial PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, total int);
  INSERT INTO orders (user_id, total) SELECT 1 + i % 10, i FROM generate_series(1, 30) i;
  CREATE TABLE plain (a int, b text);
  INSERT INTO plain VALUES (1, 'x'), (2, 'y');`;

interface Database {
  readonly connector: Connector;
  /** Runs statements beside the connector. */
  sql(text: string): Promise<void>;
  count(from: string): Promise<number>;
}

async function call(
  { connector }: { readonly connector: Connector },
  sql: string,
  options: { tool?: ToolDefinition; params?: Json[]; evidence?: Evidence | null; input?: Partial<ExecuteInput> } = {},
): Promise<ConnectorResult> {
  const { tool = execute, params, evidence = null } = options;
  const args: JsonObject = params === undefined ? { sql } : { sql, params };
  return connector.execute({
    tool,
    arguments: args,
    target: targetOf(tool, args),
    evidence,
    idempotencyKey: null,
    sendBy: Date.now() + 60_000,
    ...options.input,
  });
}

function targetOf(tool: ToolDefinition, args: JsonObject) {
  const rendered = renderTarget(tool, 'db', { url: 'env:X' }, args);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.errors));
  return rendered.target;
}

async function preview(
  { connector }: { readonly connector: Connector },
  sql: string,
  options: { tool?: ToolDefinition; params?: Json[]; signal?: AbortSignal } = {},
): Promise<PreviewResult> {
  const { tool = execute, params } = options;
  const args: JsonObject = params === undefined ? { sql } : { sql, params };
  if (connector.preview === undefined) throw new Error('no preview');
  return connector.preview({
    tool,
    arguments: args,
    target: targetOf(tool, args),
    signal: options.signal ?? AbortSignal.timeout(60_000),
  });
}

const codeOf = (result: ConnectorResult | PreviewResult): string =>
  'ok' in result
    ? result.ok
      ? 'ok'
      : result.code
    : result.status === 'executed'
      ? 'executed'
      : `${result.status} ${result.code}`;
function factsOf(result: PreviewResult): Record<string, Json> {
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return Object.fromEntries(result.facts.map(({ name, value }) => [name, value]));
}
function evidenceOf(result: PreviewResult): Evidence {
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return { facts: [...result.facts], sourceHash: result.sourceHash, gatheredAt: '2026-01-01T00:00:00.000Z' };
}
const bodyOf = (result: ConnectorResult): JsonObject => {
  if (result.status !== 'executed') throw new Error(`${result.code}: ${result.message}`);
  return result.body as JsonObject;
};

let server: Postgres;
beforeAll(async () => {
  await loadSqlParser();
  server = await startPostgres();
});
afterAll(() => server?.stop());

function connectorFor(config: ConnectorConfig): Connector {
  return createConnector('db', config, () => 'unused');
}

/** A database of its own on the server, owned by a role that is not a superuser. */
async function serverDatabase(timeout?: string): Promise<Database & { name: string; url: string }> {
  const name = await server.createDatabase();
  await server.sql(
    name,
    `DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
     ALTER SCHEMA public OWNER TO app; SET ROLE app; ${SCHEMA}`,
  );
  const url = server.url(name, 'app');
  const connector = connectorFor({ type: 'postgres', url, ...(timeout === undefined ? {} : { timeout }) });
  const count = async (from: string): Promise<number> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return Number((await client.query(`SELECT count(*) AS n FROM ${from}`)).rows[0].n);
    } finally {
      await client.end();
    }
  };
  return { name, url, connector, count, sql: (text) => server.sql(name, `SET ROLE app; ${text}`) };
}

let embedded: Connector;
beforeAll(() => {
  embedded = connectorFor({ type: 'postgres', url: 'pglite:memory://connector-test' });
});
afterAll(() => embedded?.close());

/** One PGlite for all, emptied: reached through the connector alone. */
async function embeddedDatabase(): Promise<Database> {
  const connector: Connector = { ...embedded, close: () => Promise.resolve() };
  const sql = async (text: string): Promise<void> => {
    for (const statement of text.split(';').filter((part) => part.trim() !== '')) {
      const result = await call({ connector }, statement);
      if (result.status !== 'executed') throw new Error(`${statement}: ${result.message}`);
    }
  };
  await sql(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${SCHEMA}`);
  const count = async (from: string): Promise<number> => {
    const body = bodyOf(await call({ connector }, `SELECT count(*) AS n FROM ${from}`, { tool: select }));
    return Number((body['rows'] as JsonObject[])[0]?.['n']);
  };
  return { connector, sql, count };
}

describe.each([
  ['PostgreSQL', serverDatabase],
  ['PGlite', embeddedDatabase],
] as const)('%s', (_, open) => {
  let db: Database;
  beforeEach(async () => {
    db = await open();
    return async () => db.connector.close();
  });

  it('previews a DELETE of 1,247 rows, deletes nothing, then deletes exactly those', async () => {
    const shown = await preview(db, DELETE_INACTIVE);
    expect(factsOf(shown)).toMatchObject({
      affected_rows: 1_247,
      table: 'public.users',
      table_rows: 10_000,
      cascades: [{ table: 'public.orders', deleted: 30, updated: 0 }],
    });
    const sample = factsOf(shown)['sample'] as JsonObject[];
    expect(sample).toHaveLength(5);
    expect(sample[0]).toEqual({
      id: 1,
      email: 'user1@example.com',
      last_login: '2023-06-01',
      big: { $number: '9007199254740994' },
      note: { ssn: '123' },
    });
    expect(await db.count('users')).toBe(10_000);
    expect(await db.count('orders')).toBe(30);
    const result = await call(db, DELETE_INACTIVE, { evidence: evidenceOf(shown) });
    expect(result).toEqual({ status: 'executed', body: { rowCount: 1_247 } });
    expect(await db.count('users')).toBe(8_753);
    expect(await db.count("users WHERE last_login < '2024-01-01'")).toBe(0);
  });

  it.each([
    ['another row matches', "UPDATE users SET last_login = '2023-01-01' WHERE id = 5000"],
    ['a row matches no more', "UPDATE users SET last_login = '2025-01-01' WHERE id = 1"],
    ['a matching row has changed', "UPDATE users SET email = 'other@example.com' WHERE id = 1"],
    [
      'one row takes another’s place',
      "UPDATE users SET last_login = CASE id WHEN 1 THEN date '2025-01-01' ELSE '2023-01-01' END WHERE id IN (1, 5000)",
    ],
    ['a cascade would take more', 'INSERT INTO orders (user_id, total) VALUES (2, 1)'],
    ['a volatile default has come', 'ALTER TABLE users ADD COLUMN c int DEFAULT 1'],
  ])('rolls back as drifted when %s', async (_, change) => {
    const evidence = evidenceOf(await preview(db, DELETE_INACTIVE));
    await db.sql(change);
    const before = await db.count('users');
    expect(codeOf(await call(db, DELETE_INACTIVE, { evidence }))).toBe('failed drifted');
    expect(await db.count('users')).toBe(before);
  });

  it('does not drift with what is not affected', async () => {
    const evidence = evidenceOf(await preview(db, DELETE_INACTIVE));
    await db.sql("UPDATE users SET email = 'changed@example.com' WHERE id = 9000");
    expect(codeOf(await call(db, DELETE_INACTIVE, { evidence }))).toBe('executed');
  });

  it('shows an UPDATE before and after, and pins both', async () => {
    const sql = 'UPDATE users AS u SET email = upper(u.email) WHERE u.id <= $1 RETURNING u.id, u.email';
    const shown = await preview(db, sql, { params: [2] });
    expect(factsOf(shown)).toMatchObject({ affected_rows: 2 });
    expect((factsOf(shown)['sample'] as JsonObject[]).map((row) => row['email'])).toEqual([
      'user1@example.com',
      'user2@example.com',
    ]);
    expect((factsOf(shown)['sample_after'] as JsonObject[]).map((row) => row['email'])).toEqual([
      'USER1@EXAMPLE.COM',
      'USER2@EXAMPLE.COM',
    ]);
    expect(await db.count("users WHERE email LIKE 'USER%'")).toBe(0);
    const body = bodyOf(await call(db, sql, { params: [2], evidence: evidenceOf(shown) }));
    expect(body['rowCount']).toBe(2);
    expect(body['rows']).toEqual(
      expect.arrayContaining([
        { id: 1, email: 'USER1@EXAMPLE.COM' },
        { id: 2, email: 'USER2@EXAMPLE.COM' },
      ]),
    );
  });

  it('an UPDATE that depends on the time pins what it changes, not what it writes', async () => {
    const sql = 'UPDATE users SET last_login = now() WHERE id = 3';
    const evidence = evidenceOf(await preview(db, sql));
    expect(codeOf(await call(db, sql, { evidence }))).toBe('executed');
    expect(codeOf(await call(db, sql, { evidence }))).toBe('failed drifted');
  });

  it('previews an INSERT and pins what it fills', async () => {
    const sql = 'INSERT INTO users (id, email, last_login) SELECT a + 20000, b, now() FROM plain RETURNING *';
    const timeless = 'INSERT INTO plain (a, b) SELECT id, email FROM users WHERE id <= 3';
    expect(factsOf(await preview(db, sql))).toMatchObject({ affected_rows: 2 });
    const evidence = evidenceOf(await preview(db, timeless));
    await db.sql("UPDATE users SET email = 'x' WHERE id = 2");
    expect(codeOf(await call(db, timeless, { evidence }))).toBe('failed drifted');
    expect(await db.count('plain')).toBe(2);
    const fresh = evidenceOf(await preview(db, timeless));
    expect(codeOf(await call(db, timeless, { evidence: fresh }))).toBe('executed');
    expect(await db.count('plain')).toBe(5);
  });

  it('counts rows that a table deletes from itself', async () => {
    await db.sql('CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE CASCADE)');
    await db.sql('INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2)');
    expect(factsOf(await preview(db, 'DELETE FROM tree WHERE id = 1'))).toMatchObject({
      affected_rows: 1,
      cascades: [{ table: 'public.tree', deleted: 2, updated: 0 }],
    });
  });

  it('previews through CTEs, comments, aliases, quoted names and partitions', async () => {
    await db.sql('CREATE TABLE "Odd ""Name" ("Key" int PRIMARY KEY, "a b" text) PARTITION BY RANGE ("Key")');
    await db.sql('CREATE TABLE part PARTITION OF "Odd ""Name" FOR VALUES FROM (0) TO (100)');
    await db.sql(`INSERT INTO "Odd ""Name" VALUES (1, 'x'), (2, 'y')`);
    const sql = `WITH old AS (SELECT 2 AS k) DELETE FROM public."Odd ""Name" AS "T x" USING old WHERE "T x"."Key" = old.k -- end`;
    expect(factsOf(await preview(db, sql))).toMatchObject({ affected_rows: 1, sample: [{ Key: 2, 'a b': 'y' }] });
    expect(codeOf(await call(db, sql, { evidence: evidenceOf(await preview(db, sql)) }))).toBe('executed');
    expect(await db.count('part')).toBe(1);
  });

  it('redacts samples and answers, and shortens long values after that', async () => {
    const tool = { ...execute, redact: ['/rows/*/email', '/rows/*/note/ssn'] };
    await db.sql(`UPDATE users SET note = '{"ssn":"123","long":"${'x'.repeat(10_000)}"}' WHERE id = 1`);
    const sql = 'DELETE FROM users WHERE id = 1 RETURNING *';
    const shown = await preview(db, sql, { tool });
    const text = JSON.stringify(shown);
    expect(text).not.toContain('user1@');
    expect(text).not.toContain('ssn');
    expect(text.length).toBeLessThan(3_000);
    const body = JSON.stringify(bodyOf(await call(db, sql, { tool, evidence: evidenceOf(shown) })));
    expect(body).not.toMatch(/user1@|ssn/);
    expect(body).toContain('last_login');
  });

  it('keeps the evidence of wide rows below its limit', async () => {
    const columns = Array.from({ length: 200 }, (_, i) => `c${i} text DEFAULT repeat('ü', 1000)`).join(', ');
    await db.sql(`CREATE TABLE wide (id int PRIMARY KEY, ${columns})`);
    await db.sql('INSERT INTO wide (id) SELECT generate_series(1, 20)');
    const shown = await preview(db, "UPDATE wide SET c0 = 'x'");
    expect(factsOf(shown)).toMatchObject({ affected_rows: 20 });
    expect(Buffer.byteLength(JSON.stringify(shown))).toBeLessThan(64 * 1024);
    expect((factsOf(shown)['sample'] as JsonObject[])[0]).toMatchObject({
      id: 1,
      '…': expect.stringMatching(/^\d+ more/),
    });
  });

  it.each([
    ['SELECT 1', 'not_a_modification'],
    ['DROP TABLE users', 'not_a_modification'],
    ['DELETE FROM users WHERE pg_sleep(1) IS NULL', 'function_not_allowed'],
    ['DELETE FROM pg_catalog.pg_class', 'system_table'],
    ['UPDATE users SET id = id + 100000', 'no_stable_key'],
    ["UPDATE plain SET b = 'z'", 'no_stable_key'],
    ['INSERT INTO orders (user_id) VALUES (1)', 'default_not_allowed'],
    ["INSERT INTO users (id, email, last_login) VALUES (1, 'x', '2024-01-01')", 'statement_failed'],
  ])('refuses to preview %s', async (sql, code) => {
    expect(codeOf(await preview(db, sql))).toBe(code);
  });

  it.each([
    ['DELETE FROM nowhere', [], '42P01: relation "nowhere" does not exist'],
    ['DELETE FROM users WHERE nothing = 1', [], '42703: column "nothing" does not exist'],
    ['SELECT nope(1)', [], '42883: function nope(integer) does not exist'],
    ["UPDATE users SET last_login = 'soon'", [], '22007: invalid input syntax for type date: "soon"'],
    ['UPDATE users SET id = true', [], '42804: column "id" is of type integer but expression is of type boolean'],
    ['DELETE FROM users WHERE $1 IS NULL', [1], '42P18: could not determine data type of parameter $1'],
    ['EXPLAIN ANALYZE DELETE FROM nowhere', [], '42P01: relation "nowhere" does not exist'],
    ['INSERT INTO users (id) VALUES (1, 2)', [], '42601: INSERT has more expressions than target columns'],
  ] as [string, Json[], string][])('S1: the server’s own word on %s', async (sql, params, message) => {
    const refused = { ok: false, code: 'invalid_call', message, pointer: '/sql' };
    expect(await preview(db, sql, { params })).toEqual(refused);
    // Nothing was run, and the next call has a session that works.
    expect(await db.count('users')).toBe(10_000);
    expect(codeOf(await preview(db, DELETE_INACTIVE))).toBe('ok');
  });

  it.each([
    ['DROP TABLE nowhere', 'relation "nowhere" does not exist'],
    ['DROP TABLE plain, public.nowhere', 'relation "public.nowhere" does not exist'],
    ['TRUNCATE users, nowhere', 'relation "nowhere" does not exist'],
    ['ALTER TABLE nowhere ADD c int', 'relation "nowhere" does not exist'],
    ['CREATE INDEX ON nowhere (a)', 'relation "nowhere" does not exist'],
  ])('S2: %s is refused by what it names', async (sql, words) => {
    const message = expect.stringContaining(words);
    expect(await preview(db, sql)).toEqual({ ok: false, code: 'invalid_call', message, pointer: '/sql' });
  });

  it.each([
    'DROP TABLE plain',
    'DROP TABLE IF EXISTS nowhere',
    'DROP INDEX users_pkey',
    'TRUNCATE public.users',
    'REINDEX TABLE plain',
    'ALTER TABLE plain RENAME TO other',
    'CREATE TABLE nowhere (a int)',
  ])('S2: %s is left to people', async (sql) => {
    expect(codeOf(await preview(db, sql))).toBe('not_a_modification');
  });

  it('S1: a read that is held has its text looked at, and nothing to preview', async () => {
    expect(codeOf(await preview(db, 'SELECT email FROM users', { tool: { ...execute, sql: 'select' } }))).toBe(
      'nothing_to_preview',
    );
    expect(await preview(db, 'SELECT e_mail FROM users', { tool: { ...execute, sql: 'select' } })).toMatchObject({
      code: 'invalid_call',
      message: expect.stringContaining('42703'),
    });
  });

  it('B3: numbers keep their digits, in an answer and in a sample', async () => {
    const exact = (literal: string) => ({ $number: literal });
    const sql = `SELECT '{"id":1234567890123456789,"x":[1e400,0.1]}'::jsonb AS doc, '{"a": 1E2, "b": 1234567890123456789}'::json AS raw,
      9223372036854775807::int8 AS big, ARRAY[9007199254740993, 1]::int8[] AS list, 1e300::float8 AS float, 5::int8 AS small,
      'NaN'::float8 AS nan, '[0:1]={7,8}'::int4[] AS bounds, 12345678901234567890.10::numeric AS n, ARRAY['{"id":12345678901234567890}']::jsonb[] AS docs`;
    const [row] = bodyOf(await call(db, sql, { tool: select }))['rows'] as [JsonObject];
    expect(row).toEqual({
      doc: { id: exact('1234567890123456789'), x: [expect.anything(), 0.1] },
      raw: { a: 100, b: exact('1234567890123456789') },
      big: exact('9223372036854775807'),
      list: [exact('9007199254740993'), 1],
      float: exact('1e+300'),
      small: 5,
      nan: 'NaN',
      bounds: '[0:1]={7,8}',
      n: '12345678901234567890.10',
      docs: [{ id: exact('12345678901234567890') }],
    });
    await db.sql(
      `UPDATE users SET big = 1234567890123456789, note = '{"a":[{"id":1234567890123456788}]}' WHERE id = 3`,
    );
    const shown = factsOf(await preview(db, 'UPDATE users SET big = big + 1 WHERE id = 3'));
    expect(shown['sample']).toMatchObject([
      { id: 3, big: exact('1234567890123456789'), note: { a: [{ id: exact('1234567890123456788') }] } },
    ]);
    expect(shown['sample_after']).toMatchObject([{ big: exact('1234567890123456790') }]);
  });

  it('S4: an enum type and a function of the user’s own that policy allows', async () => {
    await db.sql("CREATE TYPE order_status AS ENUM ('open', 'paid')");
    await db.sql('CREATE TABLE bills (id int PRIMARY KEY, status order_status)');
    await db.sql("INSERT INTO bills VALUES (1, 'open'), (2, 'paid'), (3, 'paid')");
    await db.sql('CREATE FUNCTION net(int) RETURNS int LANGUAGE sql IMMUTABLE AS $$SELECT $1 - 1$$');
    await db.sql('CREATE FUNCTION loud(int) RETURNS int LANGUAGE sql VOLATILE AS $$SELECT $1$$');
    await db.sql('CREATE DOMAIN small AS int CHECK (VALUE < 10)');
    const allow = { types: ['order_status', 'small'], functions: ['net', 'loud', 'pg_sleep'] };
    const tool = { ...select, allow };
    const sql = "SELECT id, net(id) AS n FROM bills WHERE status = ANY (ARRAY['paid']::order_status[]) ORDER BY id";
    expect(bodyOf(await call(db, sql, { tool }))['rows']).toEqual([
      { id: 2, n: 1 },
      { id: 3, n: 2 },
    ]);
    for (const refused of ['SELECT loud(1)', 'SELECT pg_sleep(0)', 'SELECT 5::small']) {
      expect(codeOf(await call(db, refused, { tool }))).toBe('failed invalid_call');
    }
    const modified = { ...execute, allow };
    const remove = "DELETE FROM bills WHERE status = 'paid'::order_status";
    expect(codeOf(await preview(db, remove))).toBe('type_not_allowed');
    const shown = await preview(db, remove, { tool: modified });
    expect(factsOf(shown)).toMatchObject({ affected_rows: 2 });
    expect(codeOf(await call(db, remove, { tool: modified, evidence: evidenceOf(shown) }))).toBe('executed');
  });

  it('S3: EXPLAIN ANALYZE of a write is counted, pinned, and answers its plan', async () => {
    const sql = `EXPLAIN (ANALYZE, TIMING off) ${DELETE_INACTIVE} AND id > $1`;
    const shown = await preview(db, sql, { params: [47] });
    expect(factsOf(shown)).toMatchObject({ runs: 'DELETE', affected_rows: 1_200, table: 'public.users' });
    expect(await db.count('users')).toBe(10_000);
    const evidence = evidenceOf(shown);
    await db.sql('UPDATE users SET big = 1 WHERE id = 100');
    expect(codeOf(await call(db, sql, { params: [47], evidence }))).toBe('failed drifted');
    expect(await db.count('users')).toBe(10_000);
    const again = evidenceOf(await preview(db, sql, { params: [47] }));
    const body = bodyOf(await call(db, sql, { params: [47], evidence: again }));
    expect(JSON.stringify(body)).toMatch(/Delete on users.*actual rows=0/);
    expect(await db.count('users')).toBe(8_800);
  });

  it('refuses tables with triggers, rules, volatile functions, and views, also where a cascade leads', async () => {
    await db.sql('CREATE VIEW seen AS SELECT * FROM plain');
    expect(codeOf(await preview(db, 'DELETE FROM seen'))).toBe('not_a_table');
    expect(codeOf(await preview(db, 'DELETE FROM users WHERE id IN (SELECT a FROM seen)'))).toBe('not_a_table');
    await db.sql('CREATE RULE quiet AS ON DELETE TO plain DO INSTEAD NOTHING');
    expect(codeOf(await preview(db, 'DELETE FROM plain'))).toBe('rules');
    await db.sql("CREATE FUNCTION own(int) RETURNS bool LANGUAGE sql VOLATILE AS 'SELECT true'");
    await db.sql('CREATE TABLE checked (a int PRIMARY KEY CHECK (own(a)))');
    expect(codeOf(await preview(db, 'DELETE FROM checked'))).toBe('volatile_function');
  });

  it('refuses names that the database could understand otherwise', async () => {
    await db.sql("CREATE FUNCTION public.lower(int) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT NULL::text'");
    await db.sql("CREATE FUNCTION boom(users) RETURNS bool LANGUAGE sql VOLATILE AS 'SELECT true'");
    expect(codeOf(await preview(db, 'DELETE FROM users WHERE lower(id) IS NULL'))).toBe('volatile_function');
    expect(codeOf(await preview(db, 'DELETE FROM users u WHERE u.boom'))).toBe('volatile_function');
    expect(codeOf(await call(db, 'SELECT lower(id) FROM users', { tool: select }))).toBe('failed invalid_call');
    expect(codeOf(await call(db, 'SELECT u.boom FROM users u', { tool: select }))).toBe('failed invalid_call');
    expect(codeOf(await call(db, 'SELECT pg_catalog.lower(email) FROM users', { tool: select }))).toBe('executed');
  });

  it('refuses to preview with a sealed parameter', async () => {
    const sealed = { $sealed: 'jwe' };
    expect(codeOf(await preview(db, 'DELETE FROM plain WHERE b = $1', { params: [sealed] }))).toBe('sealed_arguments');
    const args = { sql: 'DELETE FROM plain WHERE b = $1', params: [sealed] };
    const result = await db.connector.execute({
      tool: execute,
      arguments: { ...args, params: ['x'] },
      target: targetOf(execute, args),
      evidence: null,
      idempotencyKey: null,
      sendBy: Date.now() + 60_000,
    });
    expect(result).toEqual({ status: 'executed', body: { rowCount: 1 } });
  });

  it('executes with parameters of every kind', async () => {
    await db.sql('CREATE TABLE kinds (i int, t text, b bool, n numeric, a int[], j jsonb, z text)');
    const sql = 'INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *';
    const params = [1, `quote ' " \\ and ü`, true, '12345678901234567890.5', [1, 2], '{"k":[1]}', null];
    expect(bodyOf(await call(db, sql, { params }))).toEqual({
      rowCount: 1,
      rows: [
        { i: 1, t: `quote ' " \\ and ü`, b: true, n: '12345678901234567890.5', a: [1, 2], j: { k: [1] }, z: null },
      ],
    });
    const matching = 'DELETE FROM kinds WHERE t = ANY ($1)';
    expect(bodyOf(await call(db, matching, { params: [['no', `quote ' " \\ and ü`]] }))).toEqual({ rowCount: 1 });
  });

  it('executes whatever one statement is, and refuses more', async () => {
    expect(codeOf(await call(db, 'CREATE TABLE fresh (a int)'))).toBe('executed');
    expect(await db.count('fresh')).toBe(0);
    expect(codeOf(await call(db, 'DROP TABLE fresh'))).toBe('executed');
    for (const sql of ['DELETE FROM plain; DELETE FROM users', 'COMMIT', 'ROLLBACK', 'PREPARE x AS SELECT 1']) {
      expect(renderTarget(execute, 'db', { url: 'env:X' }, { sql })).toMatchObject({ code: 'invalid_call' });
    }
  });

  it('reports what the database refuses, without the rows it quotes', async () => {
    const result = await call(db, "INSERT INTO users (id, email, last_login) VALUES (1, 'x', '2024-01-01')");
    expect(result).toMatchObject({ status: 'failed', code: 'statement_failed' });
    expect(JSON.stringify(result)).toContain('23505');
    expect(JSON.stringify(result)).not.toContain('(id)=(1)');
    expect(await db.count('users')).toBe(10_000);
  });

  it('rolls back what fails only at COMMIT', async () => {
    await db.sql('CREATE TABLE late (a int REFERENCES users DEFERRABLE INITIALLY DEFERRED)');
    expect(codeOf(await call(db, 'INSERT INTO late VALUES (99999)'))).toBe('failed statement_failed');
    expect(await db.count('late')).toBe(0);
    expect(codeOf(await preview(db, 'INSERT INTO late (a) VALUES (99999)'))).toBe('statement_failed');
  });

  it('does nothing after sendBy', async () => {
    const late = { sendBy: Date.now() - 1 };
    expect(codeOf(await call(db, 'DELETE FROM users', { input: late }))).toBe('failed target_unreachable');
    expect(codeOf(await call(db, 'SELECT 1', { tool: select, input: late }))).toBe('failed target_unreachable');
    expect(await db.count('users')).toBe(10_000);
  });

  it('refuses arguments that are not those that were approved', async () => {
    const input = { arguments: { sql: 'DELETE FROM users' } };
    expect(codeOf(await call(db, 'DELETE FROM plain', { input }))).toBe('failed invalid_call');
    expect(await db.count('users')).toBe(10_000);
  });

  it('selects with limits', async () => {
    const few = await call(db, 'SELECT id, id, email FROM users WHERE id < $1 ORDER BY id', {
      tool: select,
      params: [3],
    });
    expect(bodyOf(few)).toEqual({
      rows: [
        { id: 1, id_2: 1, email: 'user1@example.com' },
        { id: 2, id_2: 2, email: 'user2@example.com' },
      ],
      rowCount: 2,
    });
    expect(bodyOf(await call(db, 'SELECT id FROM users', { tool: select }))).toMatchObject({
      rowCount: 1_000,
      truncated: true,
      advice: expect.stringContaining('add a LIMIT'),
    });
    const wide = await call(db, "SELECT repeat('x', 50000) FROM users", { tool: select });
    expect(bodyOf(wide)).toMatchObject({ truncated: true });
    // K2: a value that is too large costs neither its row nor those after it.
    const sql = "SELECT id, repeat('x', 300000 * (3 - id)) AS note FROM users WHERE id < 4 ORDER BY id";
    expect(bodyOf(await call(db, sql, { tool: select }))).toMatchObject({
      rows: [
        { id: 1, note: { $omitted: 'response_too_large', bytes: 600_000 } },
        { id: 2, note: { $omitted: 'response_too_large', bytes: 300_000 } },
        { id: 3, note: '' },
      ],
      rowCount: 3,
    });
    expect(JSON.stringify(bodyOf(wide)).length).toBeLessThan(256 * 1024);
    const huge = await call(db, "SELECT repeat('x', 50000000)", { tool: select });
    expect(codeOf(huge)).toBe('failed response_too_large');
    expect(await db.count('users')).toBe(10_000);
  });

  it('a session leaves nothing behind for the next', async () => {
    const set = (name: string, value: string) =>
      call(db, `DO $$ BEGIN PERFORM set_config('${name}', '${value}', false); END $$`);
    expect(codeOf(await set('search_path', 'nowhere'))).toBe('executed');
    expect(codeOf(await set('default_transaction_read_only', 'on'))).toBe('executed');
    expect(await db.count('users')).toBe(10_000);
    expect(codeOf(await call(db, 'DELETE FROM plain'))).toBe('executed');
  });

  it('an answer that is too large rolls an execution back', async () => {
    const sql = "DELETE FROM users RETURNING repeat('x', 5000)";
    expect(codeOf(await call(db, sql))).toBe('failed response_too_large');
    expect(await db.count('users')).toBe(10_000);
  });
});

describe('PostgreSQL alone', () => {
  it.each([
    ['REINDEX TABLE parted', 'REINDEX of a partitioned table or index'],
    ['REINDEX INDEX parted_a_idx', 'REINDEX of a partitioned table or index'],
    ['CLUSTER parted USING parted_a_idx', 'CLUSTER of a partitioned table or index'],
    ['DROP SUBSCRIPTION slotted', 'DROP SUBSCRIPTION'],
    ['DROP SUBSCRIPTION slotless', null],
  ])('S2: %s runs in a transaction by what it names', async (sql, words) => {
    const db = await serverDatabase();
    await db.sql('CREATE TABLE parted (a int) PARTITION BY RANGE (a); CREATE INDEX ON parted (a)');
    for (const [name, slot] of [
      ['slotted', 'slot'],
      ['slotless', 'NONE'],
    ]) {
      await server.sql(
        db.name,
        `CREATE SUBSCRIPTION ${name} CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false, slot_name = ${slot});
         ALTER SUBSCRIPTION ${name} OWNER TO postgres`,
      );
    }
    const found = await preview(db, sql);
    if (words === null) expect(codeOf(found)).toBe('not_a_modification');
    else {
      const message = expect.stringContaining(`25001: ${words} cannot run inside a transaction block`);
      expect(found).toEqual({ ok: false, code: 'invalid_call', message, pointer: '/sql' });
    }
    await db.connector.close();
  });

  it('refuses tables with triggers, also where a cascade leads', async () => {
    const db = await serverDatabase();
    await db.sql('CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$');
    await db.sql('CREATE TRIGGER t BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION touch()');
    expect(codeOf(await preview(db, 'DELETE FROM orders'))).toBe('triggers');
    expect(codeOf(await preview(db, DELETE_INACTIVE))).toBe('triggers');
    expect(codeOf(await preview(db, "UPDATE users SET email = 'x' WHERE id = 1"))).toBe('ok');
    await db.connector.close();
  });

  it('a trigger that came after the preview is drift', async () => {
    const db = await serverDatabase();
    const evidence = evidenceOf(await preview(db, DELETE_INACTIVE));
    await db.sql('CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$');
    await db.sql('CREATE TRIGGER t BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION touch()');
    expect(codeOf(await call(db, DELETE_INACTIVE, { evidence }))).toBe('failed drifted');
    expect(await db.count('users')).toBe(10_000);
    await db.connector.close();
  });

  it('refuses to preview as a superuser', async () => {
    const db = await serverDatabase();
    const connector = connectorFor({ type: 'postgres', url: server.url(db.name) });
    expect(codeOf(await preview({ connector }, DELETE_INACTIVE))).toBe('superuser_role');
  });

  it('gives up a preview that waits for a lock, and one that takes too long', async () => {
    const db = await serverDatabase();
    const holder = new pg.Client({ connectionString: db.url });
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
    expect(codeOf(await preview(db, DELETE_INACTIVE))).toBe('statement_failed');
    await holder.query('ROLLBACK');
    await holder.end();
    const slow = 'DELETE FROM users WHERE (SELECT count(*) FROM generate_series(1, 100000000)) > 0';
    expect(codeOf(await preview(db, slow))).toBe('statement_failed');
    expect(codeOf(await preview(db, slow, { signal: AbortSignal.timeout(300) }))).toBe('preview_timeout');
    expect(await db.count('users')).toBe(10_000);
    await db.connector.close();
  });

  it('leaves no session behind', async () => {
    const db = await serverDatabase();
    await preview(db, DELETE_INACTIVE);
    await call(db, 'SELECT 1', { tool: select });
    await call(db, 'DELETE FROM plain');
    expect(await db.count('pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()')).toBe(0);
  });

  it('reads under the role of selectUrl, and cannot write there', async () => {
    const db = await serverDatabase();
    await server.sql(db.name, `CREATE ROLE reader_${db.name} LOGIN; GRANT SELECT ON plain TO reader_${db.name}`);
    const connector = connectorFor({
      type: 'postgres',
      url: db.url,
      selectUrl: server.url(db.name, `reader_${db.name}`),
    });
    expect(codeOf(await call({ connector }, 'SELECT * FROM plain', { tool: select }))).toBe('executed');
    expect(codeOf(await call({ connector }, 'SELECT * FROM users', { tool: select }))).toBe('failed statement_failed');
    expect(codeOf(await call({ connector }, 'DELETE FROM plain WHERE a = 1'))).toBe('executed');
  });

  it('cannot reach a server that is not there', async () => {
    const connector = connectorFor({ type: 'postgres', url: 'postgres://app:hidden-word@127.0.0.1:1/x' });
    expect(codeOf(await call({ connector }, 'DELETE FROM users'))).toBe('failed target_unreachable');
    expect(codeOf(await preview({ connector }, 'DELETE FROM users'))).toBe('target_unreachable');
    expect(connector.secrets()).toContain('hidden-word');
  });

  it('a statement that outlives its time is rolled back', async () => {
    const db = await serverDatabase('500ms');
    const sql = 'UPDATE plain SET a = (SELECT count(*) FROM generate_series(1, 200000000))';
    expect((await call(db, sql)).status).toBe('failed');
    expect(await db.count('plain WHERE a IN (1, 2)')).toBe(2);
  });

  it.each([
    ['before COMMIT', 'DELETE FROM', 'failed upstream_failed', 2],
    ['when COMMIT is sent', 'COMMIT', 'outcome_unknown lost_answer', 2],
    ['when COMMIT is answered', 'answer to COMMIT', 'outcome_unknown lost_answer', 0],
  ])('a connection lost %s', async (_, cutAt, code, left) => {
    const db = await serverDatabase();
    const proxy = await cuttingProxy(server.port, cutAt);
    const connector = connectorFor({ type: 'postgres', url: `postgres://app@127.0.0.1:${proxy.port}/${db.name}` });
    expect(codeOf(await call({ connector }, 'DELETE FROM plain'))).toBe(code);
    await proxy.close();
    await expect.poll(() => db.count('plain')).toBe(left);
  });

  it('knows every function, operator and type of the allow-list as built in and not volatile', async () => {
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    const names = async (sql: string): Promise<ReadonlySet<string>> =>
      new Set((await client.query(sql)).rows.map((row: { name: string }) => row.name));
    const volatile = await names(
      "SELECT DISTINCT proname::text AS name FROM pg_proc WHERE provolatile = 'v' AND pronamespace = 'pg_catalog'::regnamespace",
    );
    const functions = await names(
      "SELECT DISTINCT proname::text AS name FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace",
    );
    const operators = await names(
      "SELECT DISTINCT oprname::text AS name FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace",
    );
    const volatileOperators = await names(
      "SELECT DISTINCT oprname::text AS name FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode WHERE p.provolatile = 'v'",
    );
    const types = await names(
      "SELECT typname::text AS name FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r')",
    );
    await client.end();
    expect([...ALLOWED_FUNCTIONS].filter((name) => volatile.has(name))).toEqual([]);
    expect([...ALLOWED_FUNCTIONS].filter((name) => !functions.has(name))).toEqual([]);
    expect([...ALLOWED_OPERATORS].filter((name) => !operators.has(name) || volatileOperators.has(name))).toEqual([]);
    expect([...ALLOWED_TYPES].filter((name) => !types.has(name))).toEqual([]);
  });
});

describe('PGlite alone', () => {
  it('ends the thread of a statement that takes too long; what was committed stays', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdpoint-pglite-'));
    const url = `pglite:${directory}`;
    const patient = connectorFor({ type: 'postgres', url });
    const hasty = connectorFor({ type: 'postgres', url, timeout: '2s' });
    await call({ connector: patient }, 'CREATE TABLE t AS SELECT generate_series(1, 10) AS a');
    const slow =
      'DELETE FROM t WHERE (SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b) > 0';
    expect(codeOf(await call({ connector: hasty }, slow))).toBe('failed upstream_failed');
    expect(codeOf(await preview({ connector: patient }, slow))).toBe('preview_timeout');
    const counted = await call({ connector: patient }, 'SELECT count(*) AS n FROM t', { tool: select });
    expect(bodyOf(counted)['rows']).toEqual([{ n: 10 }]);
    await hasty.close();
    await patient.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('D2: a transaction_timeout that another client left on the connection ends no call', async () => {
    const database = new PGlite();
    await database.exec("SET transaction_timeout = '7s'; SET work_mem = '5MB'");
    const session: SqlSession = {
      query: async (sql, params = []) => {
        const { rows } = await database.query<string[]>(sql, [...params], { rowMode: 'array' });
        return { command: '', rowCount: rows.length, columns: [], rows } as unknown as SqlResult;
      },
      describe: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const limits = { statementMs: 5_000, lockMs: 1_000, signal: AbortSignal.timeout(60_000) };
    await beginTransaction(session, limits, 'READ WRITE', 'repeatable read');
    const shown = await session.query(
      `SELECT current_setting('transaction_timeout'), current_setting('work_mem'), current_setting('statement_timeout'),
        current_setting('transaction_isolation')`,
    );
    expect(shown.rows).toEqual([['0', '4MB', '5s', 'repeatable read']]);
    await session.query('COMMIT');
    expect((await session.query('SHOW transaction_timeout')).rows).toEqual([['7s']]);
    await database.close();
  });

  it('two connectors of one directory share one thread', async () => {
    const url = `pglite:memory://${Math.random()}`;
    const one = connectorFor({ type: 'postgres', url });
    const two = connectorFor({ type: 'postgres', url });
    await call({ connector: one }, 'CREATE TABLE shared (a int)');
    await one.close();
    expect(codeOf(await call({ connector: two }, 'SELECT * FROM shared', { tool: select }))).toBe('executed');
    await two.close();
  });

  it('calls at the same time take turns', async () => {
    const connector = connectorFor({ type: 'postgres', url: `pglite:memory://${Math.random()}` });
    await call({ connector }, 'CREATE TABLE t (a int)');
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) => call({ connector }, 'INSERT INTO t VALUES ($1)', { params: [i] })),
    );
    expect(results.map(codeOf)).toEqual(Array.from({ length: 8 }, () => 'executed'));
    expect(bodyOf(await call({ connector }, 'SELECT count(*) AS n FROM t', { tool: select }))['rows']).toEqual([
      { n: 8 },
    ]);
    await connector.close();
  });
});

/** Cuts the connection when the client sends a text, or when the server answers COMMIT. */
async function cuttingProxy(port: number, cutAt: string): Promise<{ port: number; close(): Promise<void> }> {
  const sockets: Socket[] = [];
  const proxy = createServer((client) => {
    const upstream = connectTcp(port, '127.0.0.1');
    sockets.push(client, upstream);
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', cut).on('close', cut);
    let committing = false;
    client.on('data', (data) => {
      if (data.includes(cutAt)) return cut();
      committing ||= data.includes('COMMIT');
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (committing && cutAt === 'answer to COMMIT') return cut();
      client.write(data);
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    port: (proxy.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

import { type Database, MIGRATION_LOCK, type Query } from './database.ts';
import { BECOME_OWNER, createLoginsSql, type Logins } from './logins.ts';
import { grantRolesSql } from './roles.ts';
import { MIGRATIONS } from '../migrations/index.ts';

/**
 * Brings the schema up to date. Safe when several processes start at once: the work happens under a lock across
 * processes. Where nothing is pending it only reads, so a login without rights to create tables can start.
 */
export async function migrate(database: Database): Promise<void> {
  if ((await findPending(database.query)).length === 0) return;
  await database.exclusively(applyPending);
}

async function applyPending(query: Query, script: (sql: string) => Promise<void>): Promise<void> {
  await script(PREPARE);
  for (const migration of await findPending(query)) await script(recorded(migration));
}

/** One transaction for the migration and its record: it happened, or it did not. */
function recorded({ name, sql }: Migration): string {
  return `${sql}\nINSERT INTO holdpoint.migrations (name) VALUES ('${name}');`;
}

/**
 * Brings the schema up to date and gives each role its part. With `logins`, run by a login that may create roles, it first
 * makes them, and the schema belongs to their owner.
 *
 * @throws StorageError `write_refused` where the login may not
 */
export async function migrateWithRoles(database: Database, logins?: Logins): Promise<void> {
  await database.exclusively(async (query, script) => {
    if (logins !== undefined) {
      await script(createLoginsSql(logins));
      await query(BECOME_OWNER);
    }
    await applyPending(query, script);
    await script(grantRolesSql());
  });
}

/** What {@link migrateWithRoles} does, for psql, whatever state the schema is in. Holds no password, only what verifies one. */
export function migrationScript(logins?: Logins): string {
  const inTransaction = (sql: string): string => `BEGIN;\n${sql.trim()}\nCOMMIT;\n`;
  const migrations = MIGRATIONS.map(
    (
      migration,
    ) => `SELECT NOT EXISTS (SELECT FROM holdpoint.migrations WHERE name = '${migration.name}') AS pending \\gset
\\if :pending
${inTransaction(recorded(migration))}\\endif
`,
  );
  return `-- Run it with psql, in the database of Holdpoint.
\\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT pg_advisory_lock(${MIGRATION_LOCK});
${logins === undefined ? '' : `${inTransaction(createLoginsSql(logins))}${BECOME_OWNER};\n`}${inTransaction(PREPARE)}${migrations.join('')}${inTransaction(grantRolesSql())}`;
}

type Migration = (typeof MIGRATIONS)[number];

async function findPending(query: Query): Promise<readonly Migration[]> {
  const applied = new Set(await appliedOf(query));
  return MIGRATIONS.filter(({ name }) => !applied.has(name));
}

const PREPARE = `
CREATE SCHEMA IF NOT EXISTS holdpoint;
CREATE TABLE IF NOT EXISTS holdpoint.migrations (
  name       text PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now()
);`;

async function appliedOf(query: Query): Promise<string[]> {
  const [found] = await query<{ there: boolean }>(`SELECT to_regclass('holdpoint.migrations') IS NOT NULL AS there`);
  if (found?.there !== true) return [];
  const rows = await query<{ name: string }>('SELECT name FROM holdpoint.migrations ORDER BY name');
  return rows.map((row) => row.name);
}

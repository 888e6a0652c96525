import type { Database, Query } from './database.ts';
import { MIGRATIONS } from '../migrations/index.ts';

/**
 * Brings the schema up to date. Safe when several processes start at once: the work happens under a lock across
 * processes. Where nothing is pending it only reads, so a login without rights to create tables can start.
 */
export async function migrate(database: Database): Promise<void> {
  if ((await findPending(database.query)).length === 0) return;
  await database.exclusively(async (query, script) => {
    await script(PREPARE);
    for (const { name, sql } of await findPending(query)) {
      // One transaction for the migration and its record: it happened, or it did not.
      await script(`${sql}\nINSERT INTO holdpoint.migrations (name) VALUES ('${name}');`);
    }
  });
}

async function findPending(query: Query): Promise<typeof MIGRATIONS> {
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

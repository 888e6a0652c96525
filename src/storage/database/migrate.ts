import { Umzug } from 'umzug';
import type { Database, Query } from './database.ts';
import { MIGRATIONS } from '../migrations/index.ts';

/**
 * Brings the schema up to date. Safe when several processes start at once: the work happens under a lock across
 * processes. Where nothing is pending it only reads, so a login without rights to create tables can start.
 */
export async function migrate(database: Database): Promise<void> {
  const applied = new Set(await appliedOf(database.query));
  if (MIGRATIONS.every((migration) => applied.has(migration.name))) return;
  await database.exclusively(async (query, script) => {
    const umzug = new Umzug({
      migrations: MIGRATIONS.map(({ name, sql }) => ({
        name,
        // One transaction for the migration and its record: it happened, or it did not.
        up: () => script(`${sql}\nINSERT INTO holdpoint.migrations (name) VALUES ('${name}');`),
      })),
      storage: {
        logMigration: async () => {},
        unlogMigration: async () => {},
        executed: () => appliedOf(query),
      },
      logger: undefined,
    });
    await script(PREPARE);
    await umzug.up();
  });
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

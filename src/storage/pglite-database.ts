import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PLANNER_SETTINGS, type Database, type Query } from './database.ts';
import { toStorageError } from './errors.ts';

/**
 * The embedded database. It does not lock its folder: the caller must hold the lock of the data directory. Commits
 * are in the operating system's hands before they are acknowledged, so `kill -9` loses none; PGlite runs PostgreSQL
 * without `fsync`, so a power cut may.
 *
 * @param path folder of the database; null: in memory, for tests.
 */
export async function openPglite(path: string | null): Promise<Database> {
  const pglite = await start(path);
  const queryOn =
    (runner: Pick<PGlite, 'query'>): Query =>
    async <Row>(sql: string, parameters: readonly unknown[] = []) => {
      try {
        return (await runner.query<Row>(sql, [...parameters])).rows;
      } catch (cause) {
        throw toStorageError(cause);
      }
    };
  const query = queryOn(pglite);
  for (const [name, value] of Object.entries(PLANNER_SETTINGS)) await query(`SET ${name} = ${value}`);
  return {
    query,
    transaction: (work) => pglite.transaction((tx) => work(queryOn(tx as unknown as Pick<PGlite, 'query'>))),
    exclusively: (work) =>
      work(query, async (sql) => {
        try {
          await pglite.transaction(async (tx) => void (await tx.exec(sql)));
        } catch (cause) {
          throw toStorageError(cause);
        }
      }),
    onAppend: async () => async () => {},
    pollMs: null,
    // Single-user PostgreSQL has no autovacuum.
    maintain: async () => {
      for (const table of ['ledger', 'reviews', 'review_approvers', 'audit_head']) {
        await query(`VACUUM ANALYZE holdpoint.${table}`);
      }
    },
    close: async () => {
      if (!pglite.closed) await pglite.close();
    },
  };
}

async function start(path: string | null): Promise<PGlite> {
  try {
    if (path === null) return await PGlite.create();
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return await PGlite.create(path, { relaxedDurability: false });
  } catch (cause) {
    throw toStorageError(cause);
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import type { Database } from '../../src/storage/database/database.ts';
import { migrate } from '../../src/storage/database/migrate.ts';
import { openDatabase, storeOver, type StoreOptions } from '../../src/storage/store.ts';
import { inMemory } from './databases.ts';
import { startPostgres, type Postgres } from './postgres.ts';

export interface OpenStore {
  readonly store: Store;
  /** The same database, for what the store does not offer (an attacker's view). */
  readonly database: Database;
}

export interface Engine {
  readonly name: 'pglite' | 'postgres';
  /** A store over an empty database; closed by itself at the end of the file. */
  fresh(): Promise<OpenStore>;
}

/** Runs the same tests on the embedded database and on a real PostgreSQL server of this file's own. */
export function onEveryDatabase(tests: (engine: Engine) => void): void {
  for (const name of ['pglite', 'postgres'] as const) {
    describe(`on ${name}`, () => {
      const opened: Database[] = [];
      let server: Postgres | undefined;
      beforeAll(async () => {
        if (name === 'postgres') server = await startPostgres();
      });
      afterAll(async () => {
        await Promise.all(opened.map((database) => database.close()));
        server?.stop();
      });
      tests({
        name,
        fresh: async () => {
          const database = await emptyDatabase(server, opened[0]);
          if (!opened.includes(database)) opened.push(database);
          await migrate(database);
          return { database, store: storeOver(database) };
        },
      });
    });
  }
}

/** A server makes another database; the embedded one takes seconds to start, so its schema is dropped instead. */
async function emptyDatabase(server: Postgres | undefined, used: Database | undefined): Promise<Database> {
  if (server !== undefined) return openDatabase({ databaseUrl: server.url(await server.createDatabase()) });
  if (used === undefined) return openDatabase(inMemory());
  await used.query('DROP SCHEMA holdpoint CASCADE');
  return used;
}

export async function openStore(options: StoreOptions): Promise<OpenStore> {
  const database = await openDatabase(options);
  await migrate(database);
  return { database, store: storeOver(database) };
}

/** An empty folder, gone at the end of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-storage-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

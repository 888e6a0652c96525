import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import type { Store } from '../../src/contract/store.ts';
import type { Database } from '../../src/storage/database.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { openDatabase, storeOver, type StoreOptions } from '../../src/storage/store.ts';
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
      const opened: Store[] = [];
      let server: Postgres | undefined;
      beforeAll(async () => {
        if (name === 'postgres') server = await startPostgres();
      });
      afterAll(async () => {
        await Promise.all(opened.map((store) => store.close()));
        server?.stop();
      });
      tests({
        name,
        fresh: async () => {
          const options =
            server === undefined
              ? { inMemory: true as const }
              : { databaseUrl: server.url(await server.createDatabase()) };
          const open = await openStore(options);
          opened.push(open.store);
          return open;
        },
      });
    });
  }
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

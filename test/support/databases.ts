import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/ports/store.ts';

/** Names the folder of an embedded database with an empty, current schema, which `setup/database.ts` makes. */
export const EMPTY_DATABASE = 'HOLDPOINT_TEST_EMPTY_DATABASE';

let dump: Blob | undefined;

/** Options for an embedded database in memory. */
export function inMemory(): { readonly inMemory: true; readonly copyOf?: Blob } {
  const folder = process.env[EMPTY_DATABASE];
  if (folder === undefined) return { inMemory: true };
  dump ??= new Blob([readFileSync(join(folder, 'dump.tar'))]);
  return { inMemory: true, copyOf: dump };
}

/** A store over an embedded database in memory. */
export function memoryStore(): Promise<Store> {
  return createStore(inMemory());
}

/** Puts an empty database into a data directory that has none, so that a start need not make it. */
export function fillDataDir(dataDir: string): void {
  const folder = process.env[EMPTY_DATABASE];
  if (folder === undefined || existsSync(join(dataDir, 'db'))) return;
  cpSync(join(folder, 'db'), join(dataDir, 'db'), { recursive: true });
}

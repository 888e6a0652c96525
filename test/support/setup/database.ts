import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { createStore } from '../../../src/storage/store.ts';
import { EMPTY_DATABASE } from '../databases.ts';

/** Makes the embedded database once for all tiers of a run: making one costs seconds, copying it tenths of one. */
export default async function setup(): Promise<(() => void) | undefined> {
  if (process.env[EMPTY_DATABASE] !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-empty-'));
  await (await createStore({ dataDir: folder })).close();
  const database = await PGlite.create(join(folder, 'db'));
  const dump = await database.dumpDataDir('none');
  await database.close();
  writeFileSync(join(folder, 'dump.tar'), Buffer.from(await dump.arrayBuffer()));
  // Inherited by the processes that run tests.
  process.env[EMPTY_DATABASE] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

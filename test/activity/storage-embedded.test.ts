import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPglite } from '../../src/storage/database/pglite-database.ts';
import type { Database } from '../../src/storage/database/database.ts';
import { fillDataDir } from '../support/databases.ts';
import { temporaryFolder } from '../support/stores.ts';

// The embedded database of a folder, which runs in a thread of its own.
const folder = temporaryFolder();
let database: Database;

beforeAll(async () => {
  fillDataDir(folder);
  database = await openPglite(join(folder, 'db'));
});
afterAll(() => database.close());

test('a long statement does not hold up the process', async () => {
  const counted = database.query<{ count: string }>('SELECT count(*) AS count FROM generate_series(1, 1000000)');
  const rows = counted.then((found) => ({ found }));
  let turns = 0;
  while ((await Promise.race([rows, turn()])) === undefined) turns += 1;
  expect((await rows).found).toEqual([{ count: '1000000' }]);
  expect(turns).toBeGreaterThan(10);
});

test('several statements of one transaction may be asked at once', async () => {
  const values = await database.transaction((query) =>
    Promise.all([1, 2, 3].map((n) => query<{ n: number }>('SELECT $1::int AS n', [n]))),
  );
  expect(values.flat().map(({ n }) => n)).toEqual([1, 2, 3]);
});

test('what the database refuses comes with its code, and the next statement runs', async () => {
  await expect(database.query('SELECT 1 / 0')).rejects.toMatchObject({
    code: 'write_refused',
    cause: { code: '22012' },
  });
  await expect(database.exclusively((_query, script) => script('SELEC'))).rejects.toMatchObject({
    code: 'write_refused',
  });
  expect(await database.query('SELECT 1 AS n')).toEqual([{ n: 1 }]);
});

test('a folder that holds no database is refused', async () => {
  const broken = join(folder, 'broken');
  mkdirSync(join(broken, 'PG_VERSION'), { recursive: true });
  await expect(openPglite(broken)).rejects.toMatchObject({ code: 'database_unavailable' });
});

test('once it is closed nothing more is answered', async () => {
  const other = await openPglite(join(folder, 'other'));
  await other.close();
  await other.close();
  await expect(other.query('SELECT 1')).rejects.toMatchObject({ code: 'database_unavailable' });
});

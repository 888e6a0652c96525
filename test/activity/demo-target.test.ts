import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedDemoTarget } from '../../src/cli/embedded/demo/demo.ts';

let directory: string;
let db: PGlite;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-demo-'));
  const target = join(directory, 'target');
  await seedDemoTarget(target);
  db = await PGlite.create(target);
});
afterAll(async () => {
  await db.close();
  rmSync(directory, { recursive: true, force: true });
});

const count = async (where: string) =>
  Number((await db.query<{ n: unknown }>(`SELECT count(*) AS n FROM users WHERE ${where}`)).rows[0]?.n);

test.each([
  ['true', 10_000],
  [`inactive_since < '2024-01-01'`, 1_247],
  [`status = 'inactive' AND last_active < '2024-01-01'`, 1_247],
  [`last_active < '2024-01-01'`, 1_247],
  [`status = 'inactive'`, 2_000],
])('users where %s: %i', async (where, expected) => {
  expect(await count(where)).toBe(expected);
});

test('seeding again changes nothing', async () => {
  await db.query('DELETE FROM users WHERE id = 1');
  await db.close();
  const target = join(directory, 'target');
  await seedDemoTarget(target);
  rmSync(`${target}.seeded`);
  await seedDemoTarget(target);
  db = await PGlite.create(target);
  expect(await count('true')).toBe(9_999);
});

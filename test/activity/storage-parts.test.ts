import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PartName } from '../../src/contract/part.ts';
import type { OwnBeat } from '../../src/ports/parts.ts';
import type { Store } from '../../src/ports/store.ts';
import { grantRoles } from '../../src/storage/database/roles.ts';
import { createStore, openDatabase } from '../../src/storage/store.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';

let postgres: Postgres;
let database: string;
const stores: Store[] = [];
beforeAll(async () => {
  postgres = await startPostgres();
  database = await postgres.createDatabase();
  stores.push(await createStore({ databaseUrl: postgres.url(database) }));
  const owner = await openDatabase({ databaseUrl: postgres.url(database) });
  await grantRoles(owner);
  await owner.close();
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  postgres.stop();
});

async function loginOf(role: 'api' | 'gate' | 'execute', name: string): Promise<Store> {
  await postgres.sql(database, `CREATE ROLE ${name} LOGIN IN ROLE holdpoint_${role}`);
  const store = await createStore({ databaseUrl: postgres.url(database, name) });
  stores.push(store);
  return store;
}
const beatOf = (name: PartName, instance: string, configDigest = 'c'): OwnBeat => ({
  part: { name, instance, version: '1.2.3' },
  configDigest,
  policyDigest: 'p',
  problems: ['sweep_halted'],
});

test('a login says only of its own parts that they are there, and ends none of another', async () => {
  const [api, gate, execute] = [await loginOf('api', 'a'), await loginOf('gate', 'g'), await loginOf('execute', 'x')];
  const refused = { code: 'write_refused', cause: { code: '42501' } };
  for (const [store, name] of [
    [api, 'gate'],
    [api, 'all'],
    [gate, 'execute'],
    [execute, 'worker'],
  ] as const) {
    await expect(store.parts.beat(beatOf(name, 'forged'))).rejects.toMatchObject(refused);
  }
  await api.parts.beat(beatOf('api', 'host-a'));
  expect(Math.abs((await gate.parts.beat(beatOf('gate', 'host-g'))) - Date.now())).toBeLessThan(60_000);
  await api.parts.beat(beatOf('api', 'host-g', 'forged'));
  await api.parts.leave('host-g');
  expect(await execute.parts.list()).toMatchObject([
    { part: { name: 'api', instance: 'host-a', version: '1.2.3' } },
    { part: { name: 'gate', instance: 'host-g' }, configDigest: 'c', policyDigest: 'p', problems: ['sweep_halted'] },
  ]);
  await gate.parts.leave('host-g');
  expect(await execute.parts.list()).toHaveLength(1);
  await expect(api.parts.beat(beatOf('api', ''))).rejects.toMatchObject({ code: 'write_refused' });
});

test('how long it has had its files is counted from their change; what is long gone is forgotten', async () => {
  const [owner] = stores as [Store];
  await owner.parts.beat(beatOf('all', 'host-1'));
  await owner.parts.beat(beatOf('all', 'host-2'));
  await postgres.sql(database, `UPDATE holdpoint.parts SET files_since = now() - interval '1 hour'`);
  await postgres.sql(
    database,
    `UPDATE holdpoint.parts SET seen_at = now() - interval '11 minutes' WHERE instance = 'host-2'`,
  );
  const age = async () => (await owner.parts.list()).find(({ part }) => part.instance === 'host-1')?.filesAgeMs ?? 0;
  await owner.parts.beat(beatOf('all', 'host-1'));
  expect(await age()).toBeGreaterThan(3_000_000);
  await owner.parts.beat(beatOf('all', 'host-1', 'changed'));
  expect(await age()).toBeLessThan(60_000);
  expect((await owner.parts.list()).map(({ part }) => part.instance)).not.toContain('host-2');
});

test('every part may look for room, log in, and say which files are in force', async () => {
  for (const { parts } of stores) {
    await parts.login();
    await parts.probeDisk();
    await parts.putFilesInForce('sha256:first');
    await parts.putFilesInForce('sha256:second');
    expect(await parts.filesInForce()).toBe('sha256:second');
  }
  await postgres.sql(database, 'ALTER ROLE g NOLOGIN');
  await expect(stores[2]?.parts.login()).rejects.toMatchObject({ cause: { code: '28000' } });
  await stores[2]?.ping();
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoredSession } from '../../src/ports/sessions.ts';
import { grantRoles } from '../../src/storage/database/roles.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';
import { onEveryDatabase, openStore, type OpenStore } from '../support/stores.ts';

const SESSION: StoredSession = {
  reviewerId: 'ops-1',
  method: 'oidc',
  credential: 'fingerprint',
  claimedGroups: ['ops'],
  startedAt: '2026-04-01T12:00:00.000Z',
  seenAt: '2026-04-01T12:00:00.000Z',
  endsAt: '2026-04-02T00:00:00.000Z',
};

onEveryDatabase((engine) => {
  let opened: OpenStore;
  beforeAll(async () => {
    opened = await engine.fresh();
  });

  test('a session is kept as it began, and is used again', async () => {
    const { sessions } = opened.store;
    await sessions.begin('hash-1', SESSION);
    await sessions.begin('hash-2', { ...SESSION, method: 'token', claimedGroups: null });
    expect(await sessions.read('hash-1')).toEqual(SESSION);
    expect((await sessions.read('hash-2'))?.claimedGroups).toBeNull();
    await sessions.touch('hash-1', '2026-04-01T12:30:00.000Z');
    await sessions.touch('hash-1', '2026-04-01T12:10:00.000Z');
    expect((await sessions.read('hash-1'))?.seenAt).toBe('2026-04-01T12:30:00.000Z');
    expect(await sessions.read('hash-0')).toBeUndefined();
  });

  test('one ends, all of a reviewer end, and nobody else’s', async () => {
    const { sessions } = opened.store;
    await sessions.begin('a-1', { ...SESSION, reviewerId: 'finance-1' });
    await sessions.begin('a-2', { ...SESSION, reviewerId: 'finance-1' });
    await sessions.begin('a-3', { ...SESSION, reviewerId: 'finance-1' });
    await sessions.begin('b-1', { ...SESSION, reviewerId: 'finance-2' });
    await sessions.end('a-1');
    expect(await sessions.read('a-1')).toBeUndefined();
    expect(await sessions.endAll('finance-1')).toBe(2);
    expect([await sessions.read('a-2'), await sessions.read('a-3')]).toEqual([undefined, undefined]);
    expect(await sessions.read('b-1')).toBeDefined();
  });

  test('what ended is forgotten when the next begins', async () => {
    const { sessions } = opened.store;
    await sessions.begin('old', { ...SESSION, endsAt: '2026-04-01T13:00:00.000Z' });
    await sessions.begin('new', { ...SESSION, startedAt: '2026-04-01T13:00:00.000Z' });
    expect(await sessions.read('old')).toBeUndefined();
  });

  test('of many who use a key at once, one is first', async () => {
    const { sessions } = opened.store;
    const [until, now] = ['2026-04-01T13:00:00.000Z', '2026-04-01T12:00:00.000Z'];
    const firsts = await Promise.all(Array.from({ length: 8 }, () => sessions.useOnce('key', until, now)));
    expect(firsts.filter(Boolean)).toHaveLength(1);
    expect(await sessions.useOnce('key', until, now)).toBe(false);
    expect(await sessions.useOnce('other', until, now)).toBe(true);
  });
});

describe('rights', () => {
  let server: Postgres;
  const open: OpenStore[] = [];
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await Promise.all(open.map(({ store }) => store.close()));
    server.stop();
  });

  test('the api keeps sessions; the workers cannot make or prolong one', async () => {
    const database = await server.createDatabase();
    const owner = await openStore({ databaseUrl: server.url(database) });
    open.push(owner);
    await grantRoles(owner.database);
    for (const name of ['api', 'gate', 'execute']) {
      await server.sql(database, `CREATE ROLE l_${name} LOGIN IN ROLE holdpoint_${name}`);
    }
    const [api, gate, execute] = await Promise.all(
      ['l_api', 'l_gate', 'l_execute'].map((login) => openStore({ databaseUrl: server.url(database, login) })),
    );
    if (api === undefined || gate === undefined || execute === undefined) throw new Error('not opened');
    open.push(api, gate, execute);
    await api.store.sessions.begin('hash', SESSION);
    await api.store.sessions.touch('hash', SESSION.startedAt);
    expect(await api.store.sessions.useOnce('key', SESSION.endsAt, SESSION.startedAt)).toBe(true);
    for (const { store } of [gate, execute]) {
      await expect(store.sessions.begin('other', SESSION)).rejects.toMatchObject({ code: 'write_refused' });
      await expect(store.sessions.touch('hash', SESSION.endsAt)).rejects.toMatchObject({ code: 'write_refused' });
      await expect(store.sessions.endAll('ops-1')).rejects.toMatchObject({ code: 'write_refused' });
    }
    await expect(api.database.query(`UPDATE holdpoint.sessions SET reviewer = 'finance-1'`)).rejects.toMatchObject({
      code: 'write_refused',
    });
    expect(await api.store.sessions.endAll('ops-1')).toBe(1);
  });
});

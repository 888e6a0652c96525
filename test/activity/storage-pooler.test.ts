import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDatabase } from '../../src/cli/commands/doctor/database.ts';
import { findPooling } from '../../src/storage/database/pooler.ts';
import { createStore, openDatabase } from '../../src/storage/store.ts';
import { startPgBouncer, type PgBouncer } from '../support/pgbouncer.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';

/** Holdpoint's own database: settings, notifications and the lock of migrations belong to a session. */
let server: Postgres;
const poolers: PgBouncer[] = [];
const pooler = async (mode: 'session' | 'transaction', poolSize: number): Promise<PgBouncer> => {
  const started = await startPgBouncer(server, { mode, poolSize, users: ['postgres'] });
  poolers.push(started);
  return started;
};

beforeAll(async () => {
  server = await startPostgres();
}, 30_000);
afterAll(async () => {
  await Promise.all(poolers.map((started) => started.stop()));
  server?.stop();
});

describe('a pooler in front of Holdpoint’s own database', () => {
  it('D1: in transaction mode it is refused, and doctor says what is needed', async () => {
    const url = (await pooler('transaction', 2)).url(await server.createDatabase());
    expect(await findPooling(url)).toBe('transaction');
    await expect(createStore({ databaseUrl: url })).rejects.toMatchObject({ code: 'pooler_in_transaction_mode' });
    const [finding, ...others] = await checkDatabase(url, Date.now);
    expect(finding).toMatchObject({ check: 'database pooler', status: 'fail' });
    expect(finding?.fix).toContain('session mode');
    expect(others).toEqual([]);
  });

  it('D1: in session mode, and without one, all works under our settings', async () => {
    const name = await server.createDatabase();
    const pooled = (await pooler('session', 20)).url(name);
    const direct = server.url(await server.createDatabase());
    for (const [url, pooling] of [
      [pooled, 'session'],
      [direct, 'none'],
    ] as const) {
      expect(await findPooling(url)).toBe(pooling);
      const store = await createStore({ databaseUrl: url });
      await store.ping();
      await store.close();
      const database = await openDatabase({ databaseUrl: url, maxConnections: 1 });
      const rows = await database.query<{ name: string; setting: string }>(
        `SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY name`,
      );
      expect(Object.fromEntries(rows.map(({ name: key, setting }) => [key, setting]))).toMatchObject({
        default_transaction_isolation: 'read committed',
        enable_seqscan: 'off',
        statement_timeout: '10000',
      });
      let woken = 0;
      const stop = await database.onAppend(() => {
        woken += 1;
      });
      expect(woken).toBe(1);
      await database.query(`SELECT pg_notify('holdpoint_audit', '1')`);
      await expect.poll(() => woken).toBe(2);
      await stop();
      await database.close();
      const findings = await checkDatabase(url, Date.now);
      expect(findings.map(({ check, status }) => `${check}: ${status}`)).toEqual([
        ...(pooling === 'session' ? ['database pooler: ok'] : []),
        'database: ok',
        'database clock: ok',
      ]);
    }
  });
});

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { tryLockFile } from '../../embedded/file-lock.ts';
import { fail, judgeClock, ok, skipped, type Finding } from './finding.ts';

/** PostgreSQL: reachable, schema up to date, clock. Changes nothing. */
export async function checkDatabase(databaseUrl: string, now: () => number): Promise<Finding[]> {
  const [{ openDatabase }, { MIGRATIONS }] = await Promise.all([
    import('../../../storage/store.ts'),
    import('../../../storage/migrations/index.ts'),
  ]);
  const check = 'database';
  let database: Awaited<ReturnType<typeof openDatabase>> | undefined;
  try {
    database = await openDatabase({ databaseUrl, maxConnections: 1 });
    const asked = now();
    const [row] = await database.query<{ now: string }>(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS now`,
    );
    const clock = judgeClock('database clock', Number(row?.now), asked, now() - asked);
    return [
      await checkSchema(
        database,
        MIGRATIONS.map(({ name }) => name),
      ),
      clock,
    ];
  } catch {
    return [
      fail(
        check,
        'cannot be reached or refuses this login',
        'Check DATABASE_URL: host, port, database, user, password and TLS.',
      ),
    ];
  } finally {
    await database?.close();
  }
}

async function checkSchema(
  database: { query<Row>(sql: string): Promise<Row[]> },
  wanted: readonly string[],
): Promise<Finding> {
  const [found] = await database.query<{ there: boolean }>(
    `SELECT to_regclass('holdpoint.migrations') IS NOT NULL AS there`,
  );
  const rows =
    found?.there === true ? await database.query<{ name: string }>('SELECT name FROM holdpoint.migrations') : [];
  const applied = new Set(rows.map(({ name }) => name));
  const pending = wanted.filter((name) => !applied.has(name));
  if (pending.length === 0) return ok('database', 'reachable, schema up to date');
  return fail(
    'database',
    `schema is missing ${pending.join(', ')}`,
    'Run `holdpoint migrate` as the owner of the database, or start a part that may.',
  );
}

/** The embedded database: there, and whether a running Holdpoint has it. It is not opened: only one process may. */
export function checkEmbedded(dataDir: string): Finding {
  const check = 'data directory';
  if (!existsSync(dataDir)) return skipped(check, `${dataDir} is not there yet; \`npm start\` makes it`);
  const path = join(dataDir, 'lock');
  if (!existsSync(path)) return ok(check, `${dataDir} is free`);
  try {
    const lock = tryLockFile(path, 'holdpoint doctor');
    lock?.release();
    return ok(check, lock === undefined ? `${dataDir} is in use by a running Holdpoint` : `${dataDir} is free`);
  } catch {
    return fail(
      check,
      `${dataDir} cannot be used by this user`,
      'Run it as the user that owns the data directory, or set HOLDPOINT_DATA_DIR.',
    );
  }
}

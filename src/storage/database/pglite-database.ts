import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { SESSION_SETTINGS, type Database, type Query } from './database.ts';
import { toStorageError } from './errors.ts';
import { readRows, Statements, writeStatement } from '../commit/wire.ts';

/**
 * The embedded database. It does not lock its folder: the caller must hold the lock of the data directory. Commits
 * are in the operating system's hands before they are acknowledged, so `kill -9` loses none; PGlite runs PostgreSQL
 * without `fsync`, so a power cut may.
 *
 * @param path folder of the database; null: in memory, for tests.
 * @param copyOf a dump of another one to begin with, where it is in memory
 */
export async function openPglite(path: string | null, copyOf?: Blob): Promise<Database> {
  const pglite = await start(path, copyOf);
  const inTurn = oneAtATime();
  const statements = new Statements();

  /** Only in one's turn: inside somebody else's transaction it would become part of it. */
  const send: Query = async <Row>(sql: string, parameters: readonly unknown[] = []) => {
    const statement = statements.of(sql);
    try {
      const { messages } = await pglite.execProtocol(writeStatement(statement, parameters));
      statement.isParsed = statement.name !== '';
      return readRows(messages) as Row[];
    } catch (cause) {
      statement.isParsed = false;
      throw toStorageError(cause);
    }
  };
  const inTransaction = async <T>(work: () => Promise<T>): Promise<T> => {
    await send('BEGIN');
    try {
      const result = await work();
      await send('COMMIT');
      return result;
    } catch (error) {
      await send('ROLLBACK').catch(() => {});
      throw error;
    }
  };
  const script = async (sql: string) => {
    try {
      await pglite.exec(sql);
    } catch (cause) {
      throw toStorageError(cause);
    }
  };
  const query: Query = (sql, parameters) => inTurn(() => send(sql, parameters));

  for (const [name, value] of Object.entries(SESSION_SETTINGS)) await query(`SET ${name} = '${value}'`);
  return {
    query,
    transaction: (work) => inTurn(() => inTransaction(() => work(send))),
    exclusively: (work) => inTurn(() => work(send, (sql) => inTransaction(() => script(sql)))),
    onAppend: async () => async () => {},
    pollMs: null,
    // Single-user PostgreSQL has no autovacuum.
    maintain: async () => {
      for (const table of ['ledger', 'reviews', 'review_approvers', 'audit_head']) {
        await query(`VACUUM ANALYZE holdpoint.${table}`);
      }
    },
    close: () =>
      inTurn(async () => {
        if (!pglite.closed) await pglite.close();
      }),
  };
}

/** Runs what it is given one after the other. */
function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work, work);
    last = turn.catch(() => {});
    return turn;
  };
}

async function start(path: string | null, copyOf?: Blob): Promise<PGlite> {
  try {
    if (path === null) return await PGlite.create(copyOf === undefined ? {} : { loadDataDir: copyOf });
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return await PGlite.create(path, { relaxedDurability: false });
  } catch (cause) {
    throw toStorageError(cause);
  }
}

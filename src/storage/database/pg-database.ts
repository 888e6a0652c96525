import pg from 'pg';
import {
  APPEND_CHANNEL,
  MIGRATION_LOCK,
  SESSION_SETTINGS,
  type Database,
  type Query,
  toStorageError,
} from './database.ts';

const RECONNECT_MS = 1_000;
/** Longest statement. */
const STATEMENT_MS = 10_000;

export interface PgOptions {
  readonly connectionString: string;
  /** Connections at most; default 10. */
  readonly max?: number;
}

/** A PostgreSQL server (14 or later). Connections end after 10 s without an answer, statements after 10 s. */
export function openPg(options: PgOptions): Database {
  const settings: pg.ClientConfig = {
    connectionString: options.connectionString,
    application_name: 'holdpoint',
    connectionTimeoutMillis: 5_000,
    query_timeout: STATEMENT_MS,
    keepAlive: true,
  };
  // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it; only its types do not say so
  const pool = new pg.Pool({ ...settings, max: options.max ?? 10, onConnect: prepareSession });
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => {});

  return {
    query: queryOn(pool),
    transaction: (work) => withClient(pool, (client) => inTransaction(client, work)),
    exclusively: (work) =>
      withClient(pool, async (client) => {
        const query = queryOn(client);
        // A migration may take longer than a statement of daily life.
        await query('SET statement_timeout = 0');
        await query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
        try {
          return await work(query, (sql) => inTransaction(client, async () => void (await run(client.query(sql)))));
        } finally {
          // On a connection that broke, the server lets go of the lock by itself.
          await query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => {});
          await query(`SET statement_timeout = ${STATEMENT_MS}`).catch(() => {});
        }
      }),
    login: () => run(logIn(settings)),
    onAppend: (wake) => listen(settings, wake),
    pollMs: 1_000,
    maintain: async () => {},
    connections: () => ({ open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  };
}

/** Settings by statement: poolers refuse a connection that asks for them at its start. */
async function prepareSession(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  const settings = Object.entries({ ...SESSION_SETTINGS, statement_timeout: String(STATEMENT_MS) });
  const calls = settings.map((_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, false)`);
  await client.query(`SELECT ${calls.join(', ')}`, settings.flat());
}

async function run<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw toStorageError(cause);
  }
}

function queryOn(runner: Pick<pg.Client, 'query'> | Pick<pg.Pool, 'query'>): Query {
  return async <Row>(sql: string, parameters: readonly unknown[] = []) => {
    const result = await run((runner as pg.Pool).query(sql, [...parameters]));
    return result.rows as Row[];
  };
}

async function logIn(settings: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(settings);
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (cause) {
    // The driver's own words where a password is wanted and there is none; invalid_password otherwise.
    const isAboutPassword = cause instanceof Error && cause.message.startsWith('SASL');
    throw isAboutPassword ? Object.assign(new Error('no password', { cause }), { code: '28P01' }) : cause;
  } finally {
    await client.end().catch(() => {});
  }
}

async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await run(pool.connect());
  let broken: Error | undefined;
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    return await work(client);
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

async function inTransaction<T>(client: pg.PoolClient, work: (query: Query) => Promise<T>): Promise<T> {
  const query = queryOn(client);
  await query('BEGIN');
  try {
    const result = await work(query);
    await query('COMMIT');
    return result;
  } catch (error) {
    await query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** A connection of its own that listens and comes back when it breaks; every (re)connection wakes once. */
async function listen(settings: pg.ClientConfig, wake: () => void): Promise<() => Promise<void>> {
  let stopped = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  const again = () => {
    if (stopped || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      void connect();
    }, RECONNECT_MS);
    timer.unref();
  };
  const connect = async () => {
    const next = new pg.Client(settings);
    client = next;
    next.on('error', () => {});
    next.on('end', again);
    next.on('notification', wake);
    try {
      await next.connect();
      await prepareSession(next);
      await next.query(`LISTEN ${APPEND_CHANNEL}`);
      wake();
    } catch {
      await next.end().catch(() => {});
      again();
    }
    if (stopped) await next.end().catch(() => {});
  };
  await connect();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await client?.end().catch(() => {});
  };
}

import pg from 'pg';

/**
 * Between us and PostgreSQL: nothing, a pooler that keeps a server connection for as long as a client is connected, or one
 * that gives it to another client after each transaction.
 */
export type Pooling = 'none' | 'session' | 'transaction';

/** How often two clients are compared. */
const ROUNDS = 5;

/**
 * Recognises a pooler: it hands out process ids of its own, since a request to cancel goes to it. In transaction mode a
 * second client gets the server connection that the first one has just used, or the first one gets another; a busy pool
 * may hide that. Rejects where the database cannot be reached.
 */
export async function findPooling(connectionString: string): Promise<Pooling> {
  const first = await connect(connectionString);
  try {
    const announced = (first as unknown as { readonly processID: number | null }).processID;
    let before = await pidOf(first);
    if (announced === before) return 'none';
    for (let round = 0; round < ROUNDS; round += 1) {
      const second = await connect(connectionString);
      try {
        await second.query('BEGIN');
        if ((await pidOf(second)) === before) return 'transaction';
        const after = await pidOf(first);
        if (after !== before) return 'transaction';
        before = after;
      } finally {
        await second.end();
      }
    }
    return 'session';
  } finally {
    await first.end();
  }
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

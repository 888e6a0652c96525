import { join } from 'node:path';
import { StorageError, type Commit, type Store } from '../ports/store.ts';
import type { Database } from './database/database.ts';
import { createDeliveryStore } from './outbox/deliveries.ts';
import { eraseEnded } from './reviews/erase.ts';
import { createFreezeStore } from './commit/freezes.ts';
import { createGroupCommit } from './commit/group-commit.ts';
import { createReviewLists } from './reviews/list.ts';
import { createLogReader, createStatementStore } from './log/log-reader.ts';
import { migrate } from './database/migrate.ts';
import { openPg } from './database/pg-database.ts';
import { findPooling } from './database/pooler.ts';
import { openPglite } from './database/pglite-database.ts';
import { createObjectionStore } from './commit/objections.ts';
import { createReviewReads } from './reviews/reads.ts';
import { createMcpRequests, createProposedCalls } from './proposed-calls.ts';
import { readOperation } from './operation.ts';
import { createPartStore } from './parts.ts';
import { createRecoveryStore } from './recovery.ts';
import { createSessionStore } from './sessions.ts';
import { createTail } from './log/tail.ts';
import { createUpstreamStore } from './upstreams.ts';

const UPKEEP_MS = 3_600_000;

export type StoreOptions =
  /** A PostgreSQL server; its address may carry a login of one of the roles of {@link ./roles.ts}. */
  | { readonly databaseUrl: string; readonly maxConnections?: number }
  /** The embedded database, in `<dataDir>/db`. The caller holds the lock of the data directory. */
  | { readonly dataDir: string }
  /** For tests: nothing outlives the process. `copyOf`: a dump of an embedded database to begin with. */
  | { readonly inMemory: true; readonly copyOf?: Blob };

/**
 * Opens storage and brings its schema up to date.
 *
 * @throws StorageError `database_unavailable`; `pooler_in_transaction_mode`; `write_refused` where the schema is not there and the login may not
 *   make it
 */
export async function createStore(options: StoreOptions): Promise<Store> {
  const database = await openDatabase(options);
  try {
    await migrate(database);
    await database.maintain();
  } catch (error) {
    await database.close();
    throw error;
  }
  const store = storeOver(database);
  const upkeep = setInterval(() => void database.maintain().catch(() => {}), UPKEEP_MS);
  upkeep.unref();
  return {
    ...store,
    close: async () => {
      clearInterval(upkeep);
      await store.close();
    },
  };
}

export async function openDatabase(options: StoreOptions): Promise<Database> {
  if ('databaseUrl' in options) {
    const { databaseUrl: connectionString, maxConnections: max } = options;
    // A database that cannot be reached says so at its first query.
    if ((await findPooling(connectionString).catch(() => 'none')) === 'transaction') {
      throw new StorageError(
        'pooler_in_transaction_mode',
        'It is behind a pooler in transaction mode, and needs a session',
      );
    }
    return openPg({ connectionString, ...(max === undefined ? {} : { max }) });
  }
  return 'dataDir' in options ? openPglite(join(options.dataDir, 'db')) : openPglite(null, options.copyOf);
}

/** The store over a database whose schema is up to date. */
export function storeOver(database: Database): Store {
  const { query } = database;
  const log = createLogReader(query);
  const tail = createTail(database, log);
  const written = new Set<(commit: Commit) => void>();
  const group = createGroupCommit(database, tail.offer, (commit) => {
    for (const listener of written) listener(commit);
  });
  return {
    ...log,
    ...createReviewReads(query),
    ...createReviewLists(query),
    ...createUpstreamStore(query),
    commit: group.commit,
    objections: createObjectionStore(query),
    freezes: createFreezeStore(query),
    sessions: createSessionStore(query),
    statements: createStatementStore(query),
    deliveries: createDeliveryStore(database),
    proposedCalls: createProposedCalls(query),
    mcpRequests: createMcpRequests(query),
    recovery: createRecoveryStore(query),
    onWritten: (listener) => {
      written.add(listener);
      return () => void written.delete(listener);
    },
    parts: createPartStore(database),
    tail: tail.subscribe,
    erase: (endedBefore, onBatch) => eraseEnded(query, endedBefore, onBatch),
    ping: async () => {
      await query('SELECT 1');
    },
    operation: () => readOperation(query),
    connections: () => database.connections(),
    close: async () => {
      await group.idle();
      await tail.close();
      await database.close();
    },
  };
}

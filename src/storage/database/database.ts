import { StorageError, type ConnectionUse } from '../../ports/store.ts';

/** Runs one statement with `$1`-style parameters. Rejects with a {@link StorageError}; drivers' messages never leave. */
export type Query = <Row>(sql: string, parameters?: readonly unknown[]) => Promise<Row[]>;

/** A row that has the members of `T`, with its times as the drivers give them. */
export type Dated<T, Times extends keyof T> = Omit<T, Times> & {
  readonly [K in Times]: Date | Extract<T[K], null>;
};

/**
 * What storage needs of a database. Two drivers implement it with the same SQL: PostgreSQL through `pg`, and the
 * embedded PGlite.
 */
export interface Database {
  query: Query;
  /** One transaction on one connection; rolled back where `work` rejects. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /**
   * Holds a lock across processes while `work` runs on one connection, outside of any transaction. `script` runs
   * several statements without parameters as one transaction.
   */
  exclusively<T>(work: (query: Query, script: (sql: string) => Promise<void>) => Promise<T>): Promise<T>;
  /** Opens a connection of its own and closes it: those that are open outlive a password. */
  login(): Promise<void>;
  /** Wakes on every append that another process made. May wake for nothing; may miss some while disconnected. */
  onAppend(wake: () => void): Promise<() => Promise<void>>;
  /** Ms between looks for appends that no wake announced; null where this process is the only writer. */
  readonly pollMs: number | null;
  /** Statements that keep an embedded database in shape; nothing on a server, which does so by itself. */
  maintain(): Promise<void>;
  /** Of the pool; null: there is none. */
  connections(): ConnectionUse | null;
  close(): Promise<void>;
}

/** Key of the advisory lock under which migrations run; arbitrary, but the same for every release. */
export const MIGRATION_LOCK = 0x486f6c64;

/** Channel of `NOTIFY`; the payload is the new size of the log. */
export const APPEND_CHANNEL = 'holdpoint_audit';

/**
 * Settings of every connection. All that storage asks is found through a key or walked along an index; without
 * statistics (an embedded database, a server that has not analysed yet) the planner would rather read whole tables and
 * sort. `jit` would compile plans that only look dear. The isolation is PostgreSQL's own default, which a
 * server or a login may have changed: what is counted under a row's lock must not be of an older snapshot.
 */
export const SESSION_SETTINGS = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  jit: 'off',
  default_transaction_isolation: 'read committed',
} as const;

/**
 * SQLSTATE classes and codes (PostgreSQL appendix A) after which nothing was written and a retry may help: connection
 * exceptions, rolled-back transactions, resources, operator intervention, lock time-outs, a read-only standby.
 */
const TRANSIENT = /^(08|40|53|57|55P03|25006|58)/;
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH']);
/** What PostgreSQL says of its own files: data or index corrupted. */
const CORRUPT = /^XX00[12]/;

/**
 * The database's own text stays in `cause`, for logs; callers see a code and Holdpoint's own words. Of the driver's error
 * nothing but text and SQLSTATE is kept: PGlite's also carries the parameters, which hold what agents sent.
 */
export function toStorageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const cause = Object.assign(new Error(error instanceof Error ? error.message : 'unknown'), { code: codeOf(error) });
  if (error instanceof TypeError || error instanceof RangeError) {
    return new StorageError('write_refused', 'A value cannot be stored', { cause });
  }
  const { code } = cause;
  if (code !== undefined && CORRUPT.test(code)) {
    return new StorageError('storage_corrupt', 'The database reports damage', { cause });
  }
  // An error without a SQLSTATE comes from the driver: no connection, a time-out, a connection that ended.
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code) || NETWORK.has(code) || TRANSIENT.test(code)) {
    return new StorageError('database_unavailable', 'The database cannot be reached', { cause });
  }
  return new StorageError('write_refused', 'The database refuses this statement', { cause });
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

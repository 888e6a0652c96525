/** Runs one statement with `$1`-style parameters. Rejects with a {@link StorageError}; drivers' messages never leave. */
export type Query = <Row>(sql: string, parameters?: readonly unknown[]) => Promise<Row[]>;

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
  /** Wakes on every append that another process made. May wake for nothing; may miss some while disconnected. */
  onAppend(wake: () => void): Promise<() => Promise<void>>;
  /** Ms between looks for appends that no wake announced; null where this process is the only writer. */
  readonly pollMs: number | null;
  /** Statements that keep an embedded database in shape; nothing on a server, which does so by itself. */
  maintain(): Promise<void>;
  close(): Promise<void>;
}

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

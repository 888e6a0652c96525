import type { Json } from '../../contract/json.ts';

/** A database as the connector sees it. One session per call; behind a pooler others may have used it before. */
export interface SqlDriver {
  /**
   * PGlite: one superuser, one connection, no locks between sessions and no server-side time-outs; the driver ends its
   * thread instead.
   */
  readonly embedded: boolean;
  /** Throws {@link DriverError} where no session can be had; nothing was sent then. */
  open(limits: SessionLimits): Promise<SqlSession>;
  close(): Promise<void>;
}

export interface SessionLimits {
  /** Longest a single statement may run, ms. */
  readonly statementMs: number;
  /** Longest it may wait for a lock, ms. */
  readonly lockMs: number;
  /** Ends the session whatever it is doing. */
  readonly signal: AbortSignal;
}

export interface SqlSession {
  /** Runs one statement (extended protocol: the server itself refuses a second one). Throws {@link DriverError}. */
  query(sql: string, params?: readonly (string | null)[]): Promise<SqlResult>;
  /**
   * Has the server read one statement and look its names and types up, without planning or running it. Throws
   * {@link DriverError}: `refused` is the server's own word on the statement's text.
   */
  describe(sql: string): Promise<void>;
  /** Ends the session; what is not committed is rolled back. Never throws. */
  close(): Promise<void>;
}

export interface SqlResult {
  /** Command tag without its numbers: `SELECT`, `DELETE`, `ROLLBACK` … */
  readonly command: string;
  readonly rowCount: number | null;
  readonly columns: readonly { readonly name: string; readonly typeOid: number }[];
  /** Values in PostgreSQL's text format. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * - `refused`: the server answered the statement with an error, so it had no effect.
 * - `lost`: the connection broke or was ended; what was sent last may have happened.
 * - `unreachable`: no session came about.
 * - `too_large`: the answer outgrew the limit and the connection was ended.
 */
export type DriverErrorKind = 'refused' | 'lost' | 'unreachable' | 'too_large';

export class DriverError extends Error {
  readonly kind: DriverErrorKind;
  readonly sqlState: string | null;

  constructor(kind: DriverErrorKind, message: string, sqlState: string | null = null) {
    super(message);
    this.name = 'DriverError';
    this.kind = kind;
    this.sqlState = sqlState;
  }
}

/** Most bytes that one statement may answer with before its connection is ended. */
export const ANSWER_LIMIT = 8 * 1024 * 1024;

/**
 * Settings of every transaction, so that a row reads the same in a preview and at execution, and the server understands
 * the SQL as our parser did.
 */
function ownSettings(limits: SessionLimits): readonly (readonly [string, string])[] {
  return [
    ['standard_conforming_strings', 'on'],
    ['client_encoding', 'UTF8'],
    ['TimeZone', 'UTC'],
    ['DateStyle', 'ISO, YMD'],
    ['IntervalStyle', 'postgres'],
    ['bytea_output', 'hex'],
    ['extra_float_digits', '1'],
    ['client_min_messages', 'error'],
    ['application_name', 'holdpoint'],
    ['statement_timeout', String(limits.statementMs)],
    ['lock_timeout', String(limits.lockMs)],
  ];
}

/** Who we are, and names that no other client could have shadowed. A null resets a setting to the role's default. */
const RESET_IDENTITY = `SELECT pg_catalog.set_config('session_authorization', NULL, true),
  pg_catalog.set_config('role', NULL, true), pg_catalog.set_config('search_path', 'pg_catalog', true)`;

/** What other clients of a pooled connection have set, back to the role's defaults; what BEGIN and we said stays. */
const RESET_SETTINGS = `SELECT pg_catalog.count(pg_catalog.set_config(name, NULL, true)) FROM pg_catalog.pg_settings
  WHERE source = 'session' AND name NOT IN
    ('statement_timeout', 'transaction_isolation', 'transaction_read_only', 'transaction_deferrable')`;

/** Weakest first. */
const ISOLATION_LEVELS = ['read uncommitted', 'read committed', 'repeatable read', 'serializable'];

/**
 * Begins a transaction under {@link ownSettings} and otherwise the role's defaults, all of it local to the transaction:
 * behind a pooler in transaction mode a session is shared, so what one client sets would reach the next in both
 * directions. Temporary tables of other clients are looked up last, so that none takes the place of a table.
 *
 * `isolation` is raised to the role's own default where that is stricter; a role that is read-only by default stays so.
 */
export async function beginTransaction(
  session: SqlSession,
  limits: SessionLimits,
  access: 'READ WRITE' | 'READ ONLY',
  isolation = 'read committed',
): Promise<void> {
  await session.query(`BEGIN ISOLATION LEVEL ${isolation} ${access}`);
  // First, and a statement that takes no time: what follows must not run under another client's limit.
  await session.query(`SET LOCAL statement_timeout = ${limits.statementMs}`);
  await session.query(RESET_IDENTITY);
  await session.query(RESET_SETTINGS);
  const settings = ownSettings(limits);
  const calls = settings.map((_, i) => `pg_catalog.set_config($${2 * i + 1}, $${2 * i + 2}, true)`);
  const applied = await session.query(
    `SELECT pg_catalog.current_setting('default_transaction_isolation'),
      pg_catalog.current_setting('default_transaction_read_only'),
      pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ',
        nullif(pg_catalog.current_setting('search_path'), ''), 'pg_temp'), true), ${calls.join(', ')}`,
    settings.flat(),
  );
  const [ownIsolation = '', isReadOnly] = applied.rows[0] ?? [];
  if (ISOLATION_LEVELS.indexOf(String(ownIsolation)) > ISOLATION_LEVELS.indexOf(isolation)) {
    await session.query('ROLLBACK');
    return beginTransaction(session, limits, access, String(ownIsolation));
  }
  if (isReadOnly === 'on') await session.query('SET TRANSACTION READ ONLY');
}

/** Runs something in a session of its own. What it did not commit is rolled back, whatever happens. */
export async function inSession<T>(
  driver: SqlDriver,
  limits: SessionLimits,
  run: (session: SqlSession) => Promise<T>,
): Promise<T> {
  const session = await driver.open(limits);
  try {
    return await run(session);
  } finally {
    await session.close();
  }
}

/** Parameters in PostgreSQL's text format; the server infers their types. Lists become array literals. */
export function encodeParameters(values: readonly Json[]): readonly (string | null)[] {
  return values.map((value) => {
    if (value === null) return null;
    return Array.isArray(value) ? arrayLiteral(value as readonly Json[]) : textOf(value);
  });
}

function arrayLiteral(items: readonly Json[]): string {
  const parts = items.map((item) =>
    item === null ? 'NULL' : `"${textOf(item).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  );
  return `{${parts.join(',')}}`;
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

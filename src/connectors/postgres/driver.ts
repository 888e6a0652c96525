import type { Json } from '../../contract/json.ts';

/** A database as the connector sees it. Sessions are neither shared nor kept: one session per call. */
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
 * Settings of every session, so that a row reads the same in a preview and at execution, and the server understands the SQL
 * as our parser did.
 */
function sessionSettings(limits: SessionLimits): readonly (readonly [string, string])[] {
  return [
    ['standard_conforming_strings', 'on'],
    ['client_encoding', 'UTF8'],
    ['TimeZone', 'UTC'],
    ['DateStyle', 'ISO, YMD'],
    ['IntervalStyle', 'postgres'],
    ['bytea_output', 'hex'],
    ['extra_float_digits', '1'],
    ['client_min_messages', 'error'],
    ['statement_timeout', String(limits.statementMs)],
    ['lock_timeout', String(limits.lockMs)],
  ];
}

/** Applies {@link sessionSettings} in one statement. */
export async function applySettings(session: SqlSession, limits: SessionLimits): Promise<void> {
  const settings = sessionSettings(limits);
  const calls = settings.map((_, i) => `pg_catalog.set_config($${2 * i + 1}, $${2 * i + 2}, false)`);
  await session.query(`SELECT ${calls.join(', ')}`, settings.flat());
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

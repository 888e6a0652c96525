import type { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { explainConnectFailure } from '../../domain/connect-error.ts';
import { storableText } from '../../domain/json/storable.ts';
import type { Secret } from '../credential.ts';
import { ANSWER_LIMIT, DriverError, type SqlDriver, type SqlResult, type SqlSession } from './driver.ts';

/** Everything comes as text; {@link decodeValue} decides what it means. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

/** PostgreSQL over the network, one connection per session; `address` is read for each. */
export function createPgDriver(address: Secret): SqlDriver {
  return {
    embedded: false,
    close: () => Promise.resolve(),
    async open(limits) {
      const client = new pg.Client({
        connectionString: address(),
        // Belongs to the session, not to a statement; the signal is what bounds it.
        connectionTimeoutMillis: 10_000,
        types: AS_TEXT,
      });
      const session = new PgSession(client);
      const abandon = (): void => session.destroy();
      limits.signal.addEventListener('abort', abandon, { once: true });
      try {
        if (limits.signal.aborted) throw new Error('too late');
        await client.connect();
        session.watchSize();
        return session;
      } catch (error) {
        session.destroy();
        throw new DriverError('unreachable', explainNoSession(error), stateOf(error));
      }
    },
  };
}

/** The server's own sentence where it answered, else what kept the connection from being made. */
function explainNoSession(error: unknown): string {
  const sqlState = stateOf(error);
  const message = error instanceof Error ? error.message : '';
  if (sqlState !== null)
    return `The database refused the session (${sqlState}): ${storableText(message).slice(0, 500)}`;
  if (message === 'The server does not support SSL connections') {
    return `${message}. Set it up there, or remove sslmode from the URL of the connector`;
  }
  return explainConnectFailure(error).words;
}

interface RawSocket {
  on(event: 'data', listener: (chunk: Buffer) => void): void;
  destroy(error?: Error): void;
}

class PgSession implements SqlSession {
  readonly #client: pg.Client;
  #received = 0;
  #tooLarge = false;

  constructor(client: pg.Client) {
    this.#client = client;
    // Emitted when the connection breaks between statements; the next statement fails.
    client.on('error', () => undefined);
  }

  get #socket(): RawSocket {
    return (this.#client as unknown as { connection: { stream: RawSocket } }).connection.stream;
  }

  /** pg keeps a whole answer in memory: what outgrows the limit loses its connection first. */
  watchSize(): void {
    this.#socket.on('data', (chunk) => {
      this.#received += chunk.length;
      if (this.#received <= ANSWER_LIMIT) return;
      this.#tooLarge = true;
      this.#socket.destroy();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async query(sql: string, params: readonly (string | null)[] = []): Promise<SqlResult> {
    this.#received = 0;
    try {
      const result = await this.#client.query({
        text: sql,
        values: [...params],
        rowMode: 'array',
        // Even without parameters: in the simple protocol one text can hold many statements.
        queryMode: 'extended',
      } as pg.QueryArrayConfig);
      return {
        command: result.command,
        rowCount: result.rowCount,
        columns: result.fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID })),
        rows: result.rows as (string | null)[][],
      };
    } catch (error) {
      throw this.#driverError(error);
    }
  }

  async describe(sql: string): Promise<void> {
    this.#received = 0;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#client.query(new Description(sql, resolve, reject));
      });
    } catch (error) {
      throw this.#driverError(error);
    }
  }

  #driverError(error: unknown): DriverError {
    if (this.#tooLarge) return new DriverError('too_large', 'the answer is too large');
    const sqlState = stateOf(error);
    if (sqlState === null) return new DriverError('lost', 'the connection was lost');
    const message = error instanceof Error ? error.message : '';
    return new DriverError(endsSession(sqlState, error) ? 'lost' : 'refused', message, sqlState);
  }

  async close(): Promise<void> {
    // Close in an orderly way, but do not wait for a server that does not respond.
    const timer = setTimeout(() => this.destroy(), 500);
    await Promise.race([this.#client.end().catch(() => undefined), sleep(1_000, undefined, { ref: false })]);
    clearTimeout(timer);
  }
}

/** Messages of the extended protocol that pg has no query for: Parse and Describe of the unnamed statement, then Sync. */
class Description implements pg.Submittable {
  readonly #sql: string;
  readonly #resolve: () => void;
  readonly handleError: (error: Error) => void;

  constructor(sql: string, resolve: () => void, reject: (error: Error) => void) {
    this.#sql = sql;
    this.#resolve = resolve;
    this.handleError = reject;
  }

  submit(connection: pg.Connection): void {
    connection.parse({ name: '', text: this.#sql, types: [] }, true);
    connection.describe({ type: 'S', name: '' }, true);
    connection.sync();
  }

  handleRowDescription(): void {}

  handleReadyForQuery(): void {
    this.#resolve();
  }
}

/** Only errors that the server sent carry a severity. */
function stateOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && typeof severity === 'string' ? code : null;
}

/**
 * Operator intervention, connection exceptions, and "completion unknown": the server cannot vouch for the outcome. A
 * protocol violation that is a mere ERROR is its answer to one message (a wrong number of parameters, say).
 */
function endsSession(sqlState: string, error: unknown): boolean {
  if (sqlState === '08P01') return (error as { readonly severity: string }).severity !== 'ERROR';
  return sqlState.startsWith('08') || sqlState.startsWith('57P') || sqlState === '40003' || sqlState.startsWith('XX');
}

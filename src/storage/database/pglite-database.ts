/* oxlint-disable unicorn/require-post-message-target-origin -- a rule for windows; this is a worker thread */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { SESSION_SETTINGS, type Database, type Query, toStorageError } from './database.ts';
import pg from 'pg';
import { serialize } from 'pg-protocol';

/**
 * The embedded database. It runs in a thread of its own: a statement over a long call takes tens of ms, in which this
 * process would answer nobody. It does not lock its folder: the caller must hold the lock of the data directory. Commits
 * are in the operating system's hands before they are acknowledged, so `kill -9` loses none; PGlite runs PostgreSQL
 * without `fsync`, so a power cut may.
 *
 * @param path folder of the database; null: in memory, for tests.
 * @param copyOf a dump of another one to begin with, where it is in memory
 */
export async function openPglite(path: string | null, copyOf?: Blob): Promise<Database> {
  const engine = await start(path, copyOf);
  const inTurn = oneAtATime();
  const statements = new Statements();

  /** Only in one's turn: inside somebody else's transaction it would become part of it. */
  const send: Query = async <Row>(sql: string, parameters: readonly unknown[] = []) => {
    const statement = statements.of(sql);
    try {
      const messages = await engine.run(writeStatement(statement, parameters));
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
      await engine.script(sql);
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
    login: async () => {},
    onAppend: async () => async () => {},
    pollMs: null,
    // Single-user PostgreSQL has no autovacuum.
    maintain: async () => {
      for (const table of ['ledger', 'reviews', 'review_approvers', 'audit_head']) {
        await query(`VACUUM ANALYZE holdpoint.${table}`);
      }
    },
    connections: () => null,
    close: () => inTurn(() => engine.close()),
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

/** PGlite, here or in a thread. */
interface Engine {
  run(message: Uint8Array): Promise<readonly BackendMessage[]>;
  script(sql: string): Promise<void>;
  close(): Promise<void>;
}

async function start(path: string | null, copyOf?: Blob): Promise<Engine> {
  try {
    if (path === null) return await startHere(copyOf);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return await startThread(path);
  } catch (cause) {
    throw toStorageError(cause);
  }
}

async function startHere(copyOf?: Blob): Promise<Engine> {
  const pglite = await PGlite.create(copyOf === undefined ? {} : { loadDataDir: copyOf });
  return {
    run: async (message) => (await pglite.execProtocol(message)).messages,
    script: async (sql) => void (await pglite.exec(sql)),
    close: async () => {
      if (!pglite.closed) await pglite.close();
    },
  };
}

interface ThreadAnswer {
  readonly id: number;
  readonly messages?: readonly BackendMessage[];
  readonly error?: { readonly message: string; readonly code?: string; readonly isRange: boolean };
}
interface Pending {
  resolve(messages: readonly BackendMessage[]): void;
  reject(error: unknown): void;
}

/** The thread's first answer, which nobody asked for: the database is open, or cannot be opened. */
const OPENED = 0;

async function startThread(path: string): Promise<Engine> {
  const thread = new Worker(new URL('./pglite-thread.mjs', import.meta.url), {
    workerData: { path },
    // It inherits neither credentials nor flags of a test runner or an inspector.
    env: {},
    execArgv: [],
  });
  let hasEnded = false;
  let lastId = OPENED;
  const pending = new Map<number, Pending>();
  /** Only while it works does the thread keep the process alive. */
  const expect = (id: number): Promise<readonly BackendMessage[]> => {
    if (hasEnded) return Promise.reject(new Error('the thread of the database has ended'));
    thread.ref();
    return new Promise((resolve, reject) => pending.set(id, { resolve, reject }));
  };
  const settle = (id: number, act: (waiting: Pending) => void): void => {
    const waiting = pending.get(id);
    pending.delete(id);
    if (pending.size === 0) thread.unref();
    if (waiting !== undefined) act(waiting);
  };
  const end = (error: unknown): void => {
    for (const id of pending.keys()) settle(id, ({ reject }) => reject(error));
  };
  thread.on('message', (answer: ThreadAnswer) => {
    settle(answer.id, ({ resolve, reject }) => {
      if (answer.error === undefined) resolve(answer.messages ?? []);
      else reject(errorOf(answer.error));
    });
  });
  thread.on('error', end);
  thread.on('exit', () => {
    hasEnded = true;
    end(new Error('the thread of the database has ended'));
  });
  const ask = (asked: object): Promise<readonly BackendMessage[]> => {
    lastId += 1;
    thread.postMessage({ ...asked, id: lastId });
    return expect(lastId);
  };
  await expect(OPENED);
  return {
    run: (message) => ask({ message }),
    script: async (script) => void (await ask({ script })),
    close: async () => {
      if (hasEnded) return;
      await ask({ close: true });
      await thread.terminate();
    },
  };
}

function errorOf({ message, code, isRange }: NonNullable<ThreadAnswer['error']>): Error {
  return isRange ? new RangeError(message) : Object.assign(new Error(message), { code });
}

/** A statement as the server may know it already: parsed under a name. The empty name lasts until the next one. */
export interface Statement {
  readonly sql: string;
  readonly name: string;
  isParsed: boolean;
  uses: number;
}

/**
 * One statement as one message of PostgreSQL's extended query protocol (Parse, Bind, Describe, Execute, Sync), with
 * parameters and results as text. PGlite's own `query` sends them one by one, which costs three times the CPU.
 */
export function writeStatement({ sql, name, isParsed }: Statement, parameters: readonly unknown[]): Uint8Array {
  return Buffer.concat([
    // What is left under this name of a try that failed makes room first; none is no error.
    ...(isParsed ? [] : [serialize.close({ type: 'S', name }), serialize.parse({ name, text: sql })]),
    serialize.bind({ statement: name, values: parameters.map(writeParameter) }),
    serialize.describe({ type: 'P' }),
    serialize.execute(),
    serialize.sync(),
  ]);
}

/** Texts that are kept parsed; a list has one for every combination of filters. */
const MOST_STATEMENTS = 200;

/**
 * The statements of one connection. One that was parsed before is named instead of sent again: parsing and planning are
 * more than half of what a short one costs. ◆ A plan that was made while the tables were empty reads all of full ones, so
 * one is planned again at its 10th, 100th, ... use, and a join, where most depends on it, every time.
 */
export class Statements {
  readonly #known = new Map<string, Statement>();

  of(sql: string): Statement {
    const known = this.#known.get(sql);
    if (known === undefined) return this.#add(sql);
    known.uses += 1;
    if (isPowerOfTen(known.uses)) known.isParsed = false;
    return known;
  }

  #add(sql: string): Statement {
    const unnamed = this.#known.size >= MOST_STATEMENTS || / JOIN /i.test(sql);
    const statement = { sql, name: unnamed ? '' : `s${this.#known.size}`, isParsed: false, uses: 1 };
    if (!unnamed) this.#known.set(sql, statement);
    return statement;
  }
}

function isPowerOfTen(n: number): boolean {
  return Number.isInteger(Math.log10(n));
}

interface Column {
  readonly name: string;
  readonly dataTypeID: Parameters<typeof pg.types.getTypeParser>[0];
}

/** What {@link readRows} looks at of a backend's messages. */
interface BackendMessage {
  readonly name: string;
  readonly fields?: readonly unknown[];
}

/** Rows of one statement, each value read as the `pg` driver reads its type. */
export function readRows(messages: readonly BackendMessage[]): Record<string, unknown>[] {
  const description = messages.find((message) => message.name === 'rowDescription');
  const columns = (description?.fields ?? []) as readonly Column[];
  const readers = columns.map(({ name, dataTypeID }) => ({ name, read: pg.types.getTypeParser(dataTypeID, 'text') }));
  const rows: Record<string, unknown>[] = [];
  for (const message of messages) {
    if (message.name !== 'dataRow') continue;
    const values = message.fields as readonly (string | null)[];
    const row: Record<string, unknown> = {};
    for (const [i, { name, read }] of readers.entries()) {
      const value = values[i] ?? null;
      row[name] = value === null ? null : (read(value) as unknown);
    }
    rows.push(row);
  }
  return rows;
}

/** Text form of a parameter, or bytes; storage binds nothing but these, numbers, null and lists of text and numbers. */
function writeParameter(value: unknown): string | Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `{${value.map(writeElement).join(',')}}`;
  throw new TypeError('a parameter that storage does not bind');
}

/** PostgreSQL array element: quoted, with backslash and quotation mark escaped. */
function writeElement(value: unknown): string {
  const text = writeParameter(value);
  if (Buffer.isBuffer(text)) throw new TypeError('an element that storage does not bind');
  return text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

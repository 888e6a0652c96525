/* oxlint-disable unicorn/require-post-message-target-origin -- a rule for windows; this is a worker thread */
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ANSWER_LIMIT, DriverError, type SessionLimits, type SqlDriver, type SqlResult } from './driver.ts';

/**
 * PGlite in a worker thread: a slow statement would block the event loop, and PGlite's `statement_timeout` does nothing, so
 * a statement that takes too long loses its thread. What was not committed is rolled back with it.
 *
 * PGlite does not lock its directory, and two that open one lose data. Within this process all drivers of a directory
 * share one thread (a reload of the settings makes new ones before the old are closed).
 */
export function createPgliteDriver(directory: string): SqlDriver {
  const key = directory.startsWith('memory://') ? directory : resolve(directory);
  const host = hosts.get(key) ?? new PgliteHost(key);
  hosts.set(key, host);
  host.users += 1;
  // Opening takes seconds, which should not come out of the first call's time-out.
  host.warmUp();
  let closed = false;
  return {
    embedded: true,
    open: (limits) => host.open(limits),
    async close() {
      if (closed) return;
      closed = true;
      host.users -= 1;
      if (host.users > 0) return;
      hosts.delete(key);
      await host.close();
    },
  };
}

const hosts = new Map<string, PgliteHost>();

type Answer =
  | { readonly id: number; readonly result: SqlResult }
  | {
      readonly id: number;
      readonly error: { readonly message: string; readonly sqlState?: string | null; readonly tooLarge?: boolean };
    }
  | { readonly ready: true }
  | { readonly failed: string };

interface Pending {
  readonly resolve: (result: SqlResult) => void;
  readonly reject: (error: DriverError) => void;
}

class PgliteHost {
  users = 0;
  readonly #directory: string;
  #worker: Promise<Worker> | null = null;
  #current: Worker | null = null;
  /** A directory has one thread at a time: the next starts when the last is gone. */
  #ended: Promise<unknown> = Promise.resolve();
  /** Sessions take turns: PGlite has one connection. */
  #turn: Promise<void> = Promise.resolve();
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  constructor(directory: string) {
    this.#directory = directory;
  }

  warmUp(): void {
    this.#started().catch(() => undefined);
  }

  async open(limits: SessionLimits): ReturnType<SqlDriver['open']> {
    const release = await this.#takeTurn(limits.signal);
    let lost = false;
    const send = async (message: object): Promise<SqlResult> => {
      try {
        if (lost) throw new DriverError('lost', 'the session has ended');
        return await this.#bounded(message, limits);
      } catch (error) {
        // The next thread is another session: this one must not continue there.
        if (error instanceof DriverError && error.kind !== 'refused') lost = true;
        throw error;
      }
    };
    const query = (sql: string, params: readonly (string | null)[] = []) => send({ sql, params });
    const session = {
      query,
      describe: async (sql: string): Promise<void> => void (await send({ sql, describe: true })),
      close: async (): Promise<void> => {
        if (!limits.signal.aborted) await query('ROLLBACK').catch(() => undefined);
        release();
      },
    };
    try {
      // Settings that an approved statement made for its session must not reach the next one.
      await session.query('ROLLBACK');
      await session.query('DISCARD ALL');
      return session;
    } catch {
      release();
      throw new DriverError('unreachable', 'no session with the database');
    }
  }

  async close(): Promise<void> {
    await this.#turn;
    const worker = await this.#worker?.catch(() => null);
    if (worker) {
      await this.#send(worker, { close: true }).catch(() => undefined);
      this.#end(worker);
    }
    await this.#ended;
  }

  async #takeTurn(signal: AbortSignal): Promise<() => void> {
    const before = this.#turn;
    let release = (): void => undefined;
    this.#turn = new Promise((done) => {
      release = done;
    });
    const aborted = new Promise<'aborted'>((done) => {
      if (signal.aborted) done('aborted');
      signal.addEventListener('abort', () => done('aborted'), { once: true });
    });
    if ((await Promise.race([before, aborted])) === 'aborted') {
      // Sessions queued after this one still wait for those before it.
      void before.then(release);
      throw new DriverError('unreachable', 'the database is busy');
    }
    return release;
  }

  /** Runs a statement; the thread ends when it takes too long or the session's time is over. */
  async #bounded(message: object, limits: SessionLimits): Promise<SqlResult> {
    const worker = await this.#started();
    const end = (): void => this.#end(worker);
    const timer = setTimeout(end, limits.statementMs);
    limits.signal.addEventListener('abort', end, { once: true });
    try {
      if (limits.signal.aborted) throw new DriverError('lost', 'timed out');
      return await this.#send(worker, message);
    } finally {
      clearTimeout(timer);
      limits.signal.removeEventListener('abort', end);
    }
  }

  #send(worker: Worker, message: object): Promise<SqlResult> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      worker.postMessage({ ...message, id });
    });
  }

  #started(): Promise<Worker> {
    this.#worker ??= this.#start().catch((error: unknown) => {
      this.#worker = null;
      throw error;
    });
    return this.#worker;
  }

  async #start(): Promise<Worker> {
    await this.#ended;
    const worker = new Worker(new URL('./pglite-worker.mjs', import.meta.url), {
      workerData: { directory: this.#directory, answerLimit: ANSWER_LIMIT },
      // The thread inherits neither credentials nor flags of a test runner or an inspector.
      env: {},
      execArgv: [],
    });
    worker.unref();
    this.#current = worker;
    return new Promise((resolve, reject) => {
      worker.on('message', (answer: Answer) => {
        if ('ready' in answer) return resolve(worker);
        if ('failed' in answer) return reject(new DriverError('unreachable', 'the database cannot be opened'));
        this.#settle(worker, answer);
      });
      worker.on('error', () => this.#end(worker));
      worker.on('exit', () => {
        reject(new DriverError('unreachable', 'the database cannot be opened'));
        this.#end(worker);
      });
    });
  }

  #settle(worker: Worker, answer: Extract<Answer, { id: number }>): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if ('result' in answer) return pending?.resolve(answer.result);
    const { message, sqlState = null, tooLarge = false } = answer.error;
    const kind = tooLarge ? 'too_large' : sqlState === null ? 'lost' : 'refused';
    pending?.reject(new DriverError(kind, message, sqlState));
    // The error came from the runtime, not the database: the thread can no longer be trusted.
    if (kind === 'lost') this.#end(worker);
  }

  /** The next session starts a new thread, which recovers the directory as after a crash. */
  #end(worker: Worker): void {
    if (this.#current !== worker) return;
    this.#current = null;
    this.#worker = null;
    for (const { reject } of this.#pending.values()) reject(new DriverError('lost', 'the database thread was ended'));
    this.#pending.clear();
    this.#ended = worker.terminate();
  }
}

import type { IndexedEntry } from '../../contract/audit.ts';
import type { Store, TailEvent } from '../../ports/store.ts';
import type { Database } from '../database/database.ts';

const BATCH = 500;
const RETRY_MS = 1_000;

export interface Tail {
  readonly subscribe: Store['tail'];
  /** Entries that this process has just appended, in the order of the log. */
  offer(entries: readonly IndexedEntry[]): void;
  close(): Promise<void>;
}

/**
 * One tail of the log for all listeners of a process. What is delivered is decided by the index alone: own appends are
 * handed over directly where they are next in line, everything else is read from the database, so that nothing is
 * missed or told twice whatever wakes are lost.
 */
export function createTail(database: Database, log: Pick<Store, 'head' | 'entries'>): Tail {
  const listeners = new Set<(event: TailEvent) => void>();
  let next = 0;
  let started: Promise<void> | undefined;
  let stopListening: (() => Promise<void>) | undefined;
  let poll: NodeJS.Timeout | undefined;
  let ready = false;
  let reading = false;
  let again = false;
  let closed = false;

  function deliver(entries: readonly IndexedEntry[]): void {
    for (const { index, entry } of entries) {
      next = index + 1;
      for (const listener of listeners) tell(listener, { index, entry });
    }
  }

  async function catchUp(): Promise<void> {
    if (!ready || closed) return;
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    try {
      for (let more = true; more; more = wantsMore()) {
        again = false;
        const entries = await log.entries(next, BATCH);
        deliver(entries);
        again ||= entries.length === BATCH;
      }
    } catch {
      // The database is away; it is tried again until it is back, and reading goes on where it stopped.
      if (!closed) setTimeout(wake, RETRY_MS).unref();
    } finally {
      reading = false;
    }
  }

  /** Woken while reading, or the page was full. */
  function wantsMore(): boolean {
    return again && !closed;
  }

  function wake(): void {
    void catchUp();
  }

  async function start(): Promise<void> {
    next = (await log.head()).size;
    stopListening = await database.onAppend(wake);
    ready = true;
    wake();
    if (database.pollMs !== null) {
      poll = setInterval(wake, database.pollMs);
      poll.unref();
    }
  }

  return {
    subscribe: async (listener) => {
      started ??= start();
      try {
        await started;
      } catch (error) {
        started = undefined;
        throw error;
      }
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    offer: (entries) => {
      if (ready && !reading && entries[0]?.index === next) deliver(entries);
      else if ((entries.at(-1)?.index ?? -1) >= next) wake();
    },
    close: async () => {
      closed = true;
      clearInterval(poll);
      listeners.clear();
      await stopListening?.();
    },
  };
}

/** One listener's mistake is nobody else's. */
function tell(listener: (event: TailEvent) => void, event: TailEvent): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      process.emitWarning(error instanceof Error ? error : new Error(String(error)));
    });
  }
}

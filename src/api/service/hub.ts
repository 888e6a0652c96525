import { setImmediate as nextTurn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { ReviewId } from '../../contract/ids.ts';
import type { Store, TailEvent, StoredReview } from '../../ports/store.ts';

type Listener = (event: TailEvent) => void;

/**
 * One tail of the audit log per process, handed out to everybody who waits for something: held answers, decisions
 * waiting for their entry, event streams. Nothing is kept here; who is told of an entry reads the state again.
 */
export class TailHub {
  readonly #store: Store;
  readonly #byReview = new Map<ReviewId, Set<Listener>>();
  readonly #all = new Map<Listener, string | undefined>();
  /** Of reviews proposed while this process ran; of others anybody is told. */
  readonly #proposers = new LRUCache<ReviewId, string>({ max: 10_000 });
  #started: Promise<() => void> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Follows the log from now on. Waiting calls it; it may be called early to have the tail ready. */
  async start(): Promise<void> {
    this.#started ??= this.#store.tail((event) => this.#dispatch(event));
    try {
      await this.#started;
    } catch (error) {
      this.#started = undefined;
      throw error;
    }
  }

  async stop(): Promise<void> {
    const started = this.#started;
    this.#started = undefined;
    if (started !== undefined) (await started)();
  }

  /** Tells of every entry of one review. Returns how to stop. */
  onReview(reviewId: ReviewId, listener: Listener): () => void {
    const listeners = this.#byReview.get(reviewId) ?? new Set();
    this.#byReview.set(reviewId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#byReview.get(reviewId) === listeners) this.#byReview.delete(reviewId);
    };
  }

  /** Tells of every entry of a review. With a `proposer` not of those that are known to be others'. */
  onAny(listener: Listener, proposer?: string): () => void {
    this.#all.set(listener, proposer);
    return () => this.#all.delete(listener);
  }

  #dispatch(event: TailEvent): void {
    const { entry } = event;
    if (!('reviewId' in entry)) return;
    if (entry.type === 'proposed') this.#proposers.set(entry.reviewId, entry.proposer);
    const proposer = this.#proposers.get(entry.reviewId);
    for (const [listener, only] of this.#all) {
      if (only === undefined || proposer === undefined || only === proposer) listener(event);
    }
    for (const listener of this.#byReview.get(entry.reviewId) ?? []) listener(event);
  }
}

/**
 * A wait that can be woken: `wake` calls between two `next` calls are remembered as one. `next` resolves `woken`,
 * `timeout` at the given time (epoch-free: ms from now) or `aborted`.
 */
export class Waker {
  #pending = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#pending = true;
    this.#resolve?.();
  }

  async next(timeoutMs: number, signal: AbortSignal): Promise<'woken' | 'timeout' | 'aborted'> {
    if (signal.aborted) return 'aborted';
    if (!this.#pending && timeoutMs > 0) await this.#sleep(timeoutMs, signal);
    if (signal.aborted) return 'aborted';
    if (!this.#pending) return 'timeout';
    this.#pending = false;
    return 'woken';
  }

  #sleep(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#resolve = undefined;
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      signal.addEventListener('abort', done);
      this.#resolve = done;
    });
  }
}

interface Sources {
  readonly store: Store;
  readonly hub: TailHub;
}

type Wanted = (stored: StoredReview | undefined) => boolean;

/** A review whose changes a caller waits for. */
export interface ReviewWatch {
  /**
   * Reads it until it is as wanted, again whenever an entry of it arrives. Resolves with the state as it stands when the
   * time is over or `signal` is aborted: running out of time is not an error.
   */
  until(wanted: Wanted, timeoutMs: number, signal: AbortSignal): Promise<StoredReview | undefined>;
  close(): void;
}

/**
 * Listens to a review from now on: an entry that lands before the first look wakes the first wait. `looks`: false where
 * there is nothing to see before its next entry, since it has not been proposed yet or is read by its caller after this.
 */
export async function watchReview({ store, hub }: Sources, reviewId: ReviewId, looks = true): Promise<ReviewWatch> {
  const waker = new Waker();
  let isThere = looks;
  await hub.start();
  const close = hub.onReview(reviewId, ({ entry }) => {
    // Neither classifies a review nor ends it, and callers wait for nothing else.
    if (entry.type !== 'started' && entry.type !== 'notified') waker.wake();
  });
  const read = async (): Promise<StoredReview | undefined> => {
    const stored = await store.readReview(reviewId);
    isThere = stored !== undefined;
    return stored;
  };
  return {
    until: async (wanted, timeoutMs, signal) => {
      const endsAt = performance.now() + timeoutMs;
      let stored = isThere ? await read() : undefined;
      while (!wanted(stored)) {
        const left = endsAt - performance.now();
        const isWoken = left > 0 && (await waker.next(left, signal)) === 'woken';
        // Read once more at the end, in case no entry announced the change.
        if (!isWoken) return isThere ? stored : read();
        // The worker that wrote the entry may run in this process and not be done yet, so it goes first.
        await nextTurn();
        stored = await read();
      }
      return stored;
    },
    close,
  };
}

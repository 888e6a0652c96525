import { Command } from '@langchain/langgraph';
import type { RunnableConfig } from '@langchain/core/runnables';
import type { Review } from '../../contract/review.ts';
import { toMs, type Duration } from '../duration.ts';
import type { Holdpoint } from '../holdpoint.ts';
import { sleep } from '../retry.ts';
import { outcomeOf } from './outcome.ts';
import { awaitOutcome } from './gate.ts';

/** What is used of a compiled graph. */
export interface ThreadGraph {
  invoke(input: Command, config: RunnableConfig): Promise<unknown>;
  getState(config: RunnableConfig, options?: { subgraphs?: boolean }): Promise<unknown>;
}

export interface ResumerOptions {
  /** Compiled with the checkpointer that holds the threads. */
  readonly graph: ThreadGraph;
  /** With the key of the agent that proposed. */
  readonly client: Holdpoint;
  /** Config of a thread's runs, merged with its `thread_id`. */
  readonly config?: RunnableConfig;
  /**
   * How long `resume` looks for the interrupt before it says `not_waiting`; default 5 s. An answer may come before the
   * run that it is for has written down that it waits.
   */
  readonly patience?: Duration;
}

/** `resumed: false`: the thread does not wait for this review (any more), or the review for people (still). */
export type Resumed =
  | { readonly resumed: true; readonly threadId: string; readonly output: unknown }
  | { readonly resumed: false; readonly reason: 'still_pending' | 'not_waiting' | 'no_thread' };

export interface Resumer {
  /**
   * Resumes the thread that waits for a review: what a callback calls, as often as it likes. Believes nothing but the
   * id: what became of the review is asked of Holdpoint.
   */
  resume(reviewId: string): Promise<Resumed>;
  /**
   * Waits for the reviews that a thread is interrupted for, resumes it after each, and resolves when it waits for none,
   * with the thread's state. For processes that no callback reaches, and after a restart. Aborting `signal` ends the
   * waiting and decides nothing.
   */
  follow(threadId: string, options?: { readonly signal?: AbortSignal }): Promise<unknown>;
}

/** In ms. */
const LOOK_AGAIN = 250;

interface Waiting {
  readonly interruptId: string;
  readonly reviewId: string;
}

/**
 * Within one Resumer a thread is resumed by one at a time. LangGraph does not keep two processes from running one
 * thread at once, so let one process have its callbacks.
 */
export function createResumer({ graph, client, config = {}, patience = '5s' }: ResumerOptions): Resumer {
  const turns = new Map<string, Promise<unknown>>();

  const configOf = (threadId: string): RunnableConfig => ({
    ...config,
    configurable: { ...config.configurable, thread_id: threadId },
  });
  const waiting = async (threadId: string): Promise<readonly Waiting[]> =>
    waitingIn(await graph.getState(configOf(threadId), { subgraphs: true }));

  const inTurn = async <T>(threadId: string, run: () => Promise<T>): Promise<T> => {
    const turn = (turns.get(threadId) ?? Promise.resolve()).then(run, run);
    turns.set(threadId, turn);
    try {
      return await turn;
    } finally {
      if (turns.get(threadId) === turn) turns.delete(threadId);
    }
  };

  const resumeThread = (threadId: string, review: Review): Promise<Resumed> =>
    inTurn(threadId, async () => {
      const found = (await waiting(threadId)).find(({ reviewId }) => reviewId === review.reviewId);
      if (found === undefined) return { resumed: false, reason: 'not_waiting' };
      // By the interrupt's own id: several may wait, in any order.
      const resume = { [found.interruptId]: { holdpoint: { reviewId: review.reviewId, status: review.status } } };
      return { resumed: true, threadId, output: await graph.invoke(new Command({ resume }), configOf(threadId)) };
    });

  return {
    resume: async (reviewId) => {
      const review = await client.reviews.get(reviewId);
      if (outcomeOf(review).status === 'pending') return { resumed: false, reason: 'still_pending' };
      if (review.threadId === null) return { resumed: false, reason: 'no_thread' };
      const end = performance.now() + toMs(patience);
      for (;;) {
        const resumed = await resumeThread(review.threadId, review);
        if (resumed.resumed || performance.now() >= end) return resumed;
        await sleep(LOOK_AGAIN);
      }
    },
    follow: async (threadId, { signal } = {}) => {
      for (;;) {
        const reviews = await waiting(threadId);
        if (reviews.length === 0) return graph.getState(configOf(threadId));
        const reviewId = await firstOf(client, reviews, signal);
        await resumeThread(threadId, await client.reviews.get(reviewId));
      }
    },
  };
}

/** Id of the review that is the first to have an answer; the others are no longer waited for. */
async function firstOf(client: Holdpoint, reviews: readonly Waiting[], signal?: AbortSignal): Promise<string> {
  const done = new AbortController();
  const stop = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal]);
  const wait = async ({ reviewId }: Waiting): Promise<string> => {
    for (;;) {
      const outcome = await awaitOutcome(client, reviewId, { wait: '1d', signal: stop });
      if (outcome.status !== 'pending') return reviewId;
    }
  };
  try {
    return await Promise.race(reviews.map(wait));
  } finally {
    done.abort();
  }
}

interface State {
  readonly tasks?: readonly {
    readonly interrupts?: readonly { readonly id?: string; readonly value?: unknown }[];
    readonly state?: unknown;
  }[];
}

/** Interrupts of ours, in subgraphs too. */
function waitingIn(state: unknown): readonly Waiting[] {
  const found = new Map<string, Waiting>();
  for (const task of (state as State).tasks ?? []) {
    for (const { id, value } of task.interrupts ?? []) {
      const reviewId = (value as { readonly holdpoint?: { readonly reviewId?: string } } | null)?.holdpoint?.reviewId;
      if (id !== undefined && reviewId !== undefined) found.set(id, { interruptId: id, reviewId });
    }
    if (typeof task.state === 'object' && task.state !== null) {
      for (const one of waitingIn(task.state)) found.set(one.interruptId, one);
    }
  }
  return [...found.values()];
}

import { once } from 'node:events';
import type { Response } from 'express';
import { writeJson } from '../../contract/exact-number.ts';
import { ProblemError } from '../problem.ts';
import type { Streamed } from '../service/types.ts';
import type { Review, ReviewRow } from '../../contract/review.ts';

/** A reader that takes nothing for so long, in ms, is cut off; it resumes where it was. */
const STALLED_AFTER = 30_000;

/**
 * Writes events as `text/event-stream` (WHATWG HTML, server-sent events) until they end or the reader is gone. The
 * next event is only asked for when the last one has left, so a slow reader costs no memory.
 */
export async function pipeEvents(
  res: Response,
  events: AsyncGenerator<Streamed<Review> | Streamed<ReviewRow>>,
  isAllowed: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  res.status(200);
  res.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store, no-transform');
  res.setHeader('X-Accel-Buffering', 'no');
  res.flushHeaders();
  try {
    // Says something at once, so that a reader knows that it is connected.
    if (!(await writeTo(res, ': connected\n\n', signal))) return;
    for await (const together of events) {
      if (signal.aborted || !(await isAllowed())) break;
      if (!(await writeTo(res, formatEvents(together), signal))) break;
    }
  } finally {
    await events.return(undefined);
    res.end();
  }
}

function formatEvents(together: Streamed<Review> | Streamed<ReviewRow>): string {
  if (together === 'idle') return ': still here\n\n';
  return together.map(({ index, review }) => `id: ${index}\nevent: review\ndata: ${writeJson(review)}\n\n`).join('');
}

/** Resolves when the reader has taken it; false where it is gone or does not read. */
export async function writeTo(res: Response, text: string, signal: AbortSignal): Promise<boolean> {
  if (res.destroyed || res.writableEnded) return false;
  if (res.write(text)) return true;
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), STALLED_AFTER);
  const leave = (): void => stalled.abort();
  signal.addEventListener('abort', leave);
  try {
    await once(res, 'drain', { signal: stalled.signal });
    return true;
  } catch {
    res.destroy();
    return false;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }
}

/** Bounds the streams, exports and searches that one principal, and all together, may hold open in this process. */
export class StreamSlots {
  readonly #perPrincipal: number;
  readonly #total: number;
  readonly #counts = new Map<string, number>();
  #open = 0;

  constructor(perPrincipal: number, total: number) {
    this.#perPrincipal = perPrincipal;
    this.#total = total;
  }

  get open(): number {
    return this.#open;
  }

  /** Has a slot while `work` goes on. Throws `rate_limited`. */
  async hold<T>(key: string, work: () => Promise<T>): Promise<T> {
    const release = this.take(key);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Returns how to give the slot back. Throws `rate_limited`. */
  take(key: string): () => void {
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#perPrincipal || this.#open >= this.#total) {
      throw new ProblemError('rate_limited', { detail: 'Too many open streams, exports and searches.' });
    }
    this.#counts.set(key, count + 1);
    this.#open += 1;
    return () => {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
      this.#open -= 1;
    };
  }
}

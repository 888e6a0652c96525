import type { ReviewId } from '../../contract/ids.ts';
import { isFinal, type Review, type ReviewRow } from '../../contract/review.ts';
import type { IndexedEntry } from '../../contract/audit.ts';
import type { Principal } from '../principal.ts';
import type { ServiceContext } from './context.ts';
import { Waker } from './hub.ts';
import { present, readVisible } from './read.ts';
import type { Streamed } from './types.ts';
import { maySee } from './visibility.ts';

/** Silence after which a stream says that it is still there, in ms. */
const IDLE_AFTER = 15_000;
const PAGE = 200;

/**
 * States of one review as they come, the present one first; ends after the final one. `after` is the index of the
 * last state that was seen. Undefined: the final state was seen already.
 */
export async function watchReview(
  context: ServiceContext,
  principal: Principal,
  reviewId: ReviewId,
  after: number | undefined,
  signal: AbortSignal,
): Promise<AsyncGenerator<Streamed<Review>> | undefined> {
  await readVisible(context, principal, reviewId);
  await context.hub.start();
  const stored = await context.store.readReview(reviewId);
  if (stored !== undefined && isFinal(stored.review) && after !== undefined && stored.index <= after) return undefined;
  return followReview(context, principal, reviewId, after ?? -1, signal);
}

async function* followReview(
  context: ServiceContext,
  principal: Principal,
  reviewId: ReviewId,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Streamed<Review>> {
  const waker = new Waker();
  const stop = context.hub.onReview(reviewId, () => waker.wake());
  try {
    for (let seen = after; ;) {
      const stored = await context.store.readReview(reviewId);
      if (stored !== undefined && stored.index > seen) {
        seen = stored.index;
        yield { index: seen, review: present(context, principal, stored.review) };
      }
      if (stored !== undefined && isFinal(stored.review)) return;
      const why = await waker.next(IDLE_AFTER, signal);
      if (why === 'aborted') return;
      if (why === 'timeout') yield 'idle';
    }
  } finally {
    stop();
  }
}

/**
 * Rows of every review that changes and that the principal may see. It reads the log itself, page by page, from where
 * the caller was: the tail only says that there is more, so nothing is lost between two connections and a slow reader
 * holds up nobody.
 */
export async function watchAll(
  context: ServiceContext,
  principal: Principal,
  after: number | undefined,
  signal: AbortSignal,
): Promise<AsyncGenerator<Streamed<ReviewRow>>> {
  await context.hub.start();
  const from = after === undefined ? (await context.store.head()).size : after + 1;
  return followAll(context, principal, from, signal);
}

async function* followAll(
  context: ServiceContext,
  principal: Principal,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<Streamed<ReviewRow>> {
  const waker = new Waker();
  const stop = context.hub.onAny(() => waker.wake());
  try {
    for (let next = from; !signal.aborted;) {
      const entries = await context.store.entries(next, PAGE);
      next = (entries.at(-1)?.index ?? next - 1) + 1;
      for (const [reviewId, index] of lastIndices(entries)) {
        const row = await context.store.readRow(reviewId);
        if (row === undefined || !maySee(principal, row)) continue;
        yield { index, review: row };
      }
      if (entries.length > 0) continue;
      if ((await waker.next(IDLE_AFTER, signal)) === 'timeout') yield 'idle';
    }
  } finally {
    stop();
  }
}

/** Last entry of each review, in order of their index: a resumed reader misses no review that changed. */
function lastIndices(entries: readonly IndexedEntry[]): Map<ReviewId, number> {
  const last = new Map<ReviewId, number>();
  for (const { index, entry } of entries) {
    if (entry.type === 'policy_changed') continue;
    last.delete(entry.reviewId);
    last.set(entry.reviewId, index);
  }
  return last;
}

import type { ReviewId } from '../../contract/ids.ts';
import type { Review, ReviewRow } from '../../contract/review.ts';
import { isFinal } from '../../domain/lifecycle.ts';
import type { ChangeCursor } from '../../ports/store.ts';
import type { Principal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import type { ServiceContext } from './context.ts';
import { Waker } from './hub.ts';
import { present, readVisible, redactRowFor } from './read.ts';
import { PIECE, readPiece, type Scan } from './scan.ts';
import type { Streamed } from './types.ts';

/** Silence after which a stream says that it is still there, in ms. */
const IDLE_AFTER = 15_000;

/**
 * States of one review as they come, the present one first; ends after the final one. `after` is the index of the
 * last state that was seen. Undefined: the final state was seen already.
 */
export async function streamReview(
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
        yield [{ index: seen, review: await present(context, principal, stored.review) }];
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

/** Reviews of its own that an agent may be behind by. */
const MOST_BEHIND = 1_000;

/**
 * Rows of every review that changes and that the principal may see, from where the caller was: the tail only says that
 * there is more, so nothing is lost between two connections and a slow reader delays no other. Throws `resume_too_old`.
 */
export async function streamAll(
  context: ServiceContext,
  principal: Principal,
  after: number | undefined,
  scan: Scan,
): Promise<AsyncGenerator<Streamed<ReviewRow>>> {
  await context.hub.start();
  const from = after ?? (await context.store.head()).size - 1;
  if (after !== undefined && principal.kind === 'agent') {
    const behind = await context.store.countChanges(after, principal.id, MOST_BEHIND + 1);
    if (behind > MOST_BEHIND) {
      throw new ProblemError('resume_too_old', { detail: 'Read the list, then follow without Last-Event-ID.' });
    }
  }
  return followAll(context, principal, from, scan);
}

async function* followAll(
  context: ServiceContext,
  principal: Principal,
  from: number,
  scan: Scan,
): AsyncGenerator<Streamed<ReviewRow>> {
  const { store, hub } = context;
  const proposer = principal.kind === 'agent' ? principal.id : undefined;
  const waker = new Waker();
  const stop = hub.onAny(() => waker.wake(), proposer);
  try {
    for (let seen: ChangeCursor = { index: from + 1, reviewId: '' }; ;) {
      const after = seen;
      const changes = await readPiece(context, scan, () => store.changes(after, PIECE, proposer));
      if (changes === undefined) return;
      const last = changes.at(-1);
      if (last !== undefined) {
        seen = { index: last.index, reviewId: last.row.reviewId };
        yield changes.map(({ index, row }) => ({ index, review: redactRowFor(principal, row) }));
      } else if ((await waker.next(IDLE_AFTER, scan.signal)) === 'timeout') yield 'idle';
    }
  } finally {
    stop();
  }
}

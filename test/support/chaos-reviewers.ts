import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Review, ReviewRow } from '../../src/contract/review.ts';
import type { Answer, PartsWorld } from './chaos-parts.ts';
import type { ReviewerId } from './e2e-deployment.ts';

/** A decision that a reviewer sent, and the answer that came, if any. */
export interface Vote {
  readonly reviewId: string;
  readonly ref: string;
  readonly by: ReviewerId;
  readonly type: 'approve' | 'edit' | 'reject' | 'revise';
  readonly digest: string;
  /** Undefined: no answer came. */
  readonly status: number | undefined;
}

/** Reviewers who decide what waits, each call as its ref says, whatever becomes of the parts meanwhile. */
export interface Reviewers {
  readonly votes: readonly Vote[];
  /** Resolves when the last of them has stopped. */
  stop(): Promise<void>;
}

const AT_ONCE = 4;

export function startReviewers(world: PartsWorld): Reviewers {
  const votes: Vote[] = [];
  const over = new AbortController();
  const busy = new Set<string>();

  async function decideSome(): Promise<void> {
    const { body } = await world.send('GET', '/v1/reviews?status=pending&limit=50', 'ops-1');
    for (const { reviewId } of (body as { reviews: readonly ReviewRow[] }).reviews) {
      if (busy.has(reviewId)) continue;
      busy.add(reviewId);
      await decide(reviewId).finally(() => busy.delete(reviewId));
    }
  }

  async function decide(reviewId: string): Promise<void> {
    const review = (await world.send('GET', `/v1/reviews/${reviewId}`, 'ops-1')).body as Review;
    const { digest, arguments: args } = review.call;
    const ref = args?.['ref'];
    if (digest === null || typeof ref !== 'string' || review.status !== 'pending') return;
    const vote = async (
      by: ReviewerId,
      type: Vote['type'],
      more: { arguments?: JsonObject; comment?: string } = {},
    ) => {
      const path = `/v1/reviews/${reviewId}/decision`;
      const answer: Answer | undefined = await world
        .send('POST', path, by, { type, digest, ...more })
        .catch(() => undefined);
      votes.push({ reviewId, ref, by, type, digest, status: answer?.status });
      return answer?.status ?? 0;
    };
    switch (ref.split('-')[0]) {
      case 'withdraw':
      case 'expire':
        return;
      case 'reject':
        return void (await vote('ops-1', 'reject', { comment: `not ${ref}` }));
      case 'edit':
        return void (await vote('ops-1', 'edit', { arguments: { ref, amount: 7 } }));
      case 'revise':
        return void (await (review.revision === 1
          ? vote('ops-1', 'revise', { comment: 'three' })
          : vote('ops-2', 'approve')));
      case 'chain':
        await vote('ops-1', 'approve');
        return void (await vote('finance-1', 'approve'));
      case 'object':
        if ((await vote('ops-1', 'approve')) === 200) await vote('ops-2', 'reject', { comment: `not ${ref}` });
        return;
      case 'both':
        await Promise.all([vote('ops-1', 'approve'), vote('ops-2', 'reject', { comment: `not ${ref}` })]);
        return;
      default:
        return void (await vote('ops-1', 'approve'));
    }
  }

  const lanes = Array.from({ length: AT_ONCE }, async () => {
    while (!over.signal.aborted) {
      await decideSome().catch(() => undefined);
      await sleep(200);
    }
  });
  return {
    votes,
    stop: async () => {
      over.abort();
      await Promise.all(lanes);
    },
  };
}

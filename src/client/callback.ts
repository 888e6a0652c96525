import type { Review } from '../contract/review.ts';
import { HoldpointError } from './errors.ts';
import { isFinal, toResolution, type Resolution } from './resolution.ts';
import { verifyWebhook, type WebhookOptions, type WebhookRequest } from './webhook.ts';

/** The final answer of one review, as a callback brought it. */
export interface Callback {
  /** The same for each delivery: it comes at least once, so remember it and heed it once. */
  readonly id: string;
  readonly sentAt: Date;
  readonly reviewId: string;
  /** What `resolution()` would have answered. */
  readonly resolution: Resolution;
}

/**
 * Verifies a request to the `callback` URL of a proposal (see {@link verifyWebhook}, also for what it throws); its
 * secrets are the deployment's `whpk_…`. Throws `unreadable_answer` for a message that is signed but is no final answer.
 */
export async function verifyCallback(request: WebhookRequest, options: WebhookOptions): Promise<Callback> {
  const { id, sentAt, payload } = await verifyWebhook<{ readonly type?: unknown; readonly data?: Review }>(
    request,
    options,
  );
  const review = payload?.type === 'review.final' ? payload.data : undefined;
  if (review?.execution === undefined || !isFinal(review)) {
    const detail = 'signed, but not the final answer of a review';
    throw new HoldpointError({ code: 'unreadable_answer', status: 0, retryable: false, detail });
  }
  return { id, sentAt, reviewId: review.reviewId, resolution: toResolution(review) };
}

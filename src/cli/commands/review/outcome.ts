import { HoldpointError, type Holdpoint } from '../../../client/index.ts';
import type { Review } from '../../../contract/review.ts';
import { countYeses } from '../../../domain/eligibility.ts';
import type { Io } from '../../ui/io.ts';
import { indent } from '../../ui/review-view.ts';
import { describeExecution, describeStatus } from '../../ui/status.ts';
import { visible, visibleJson } from '../../ui/visible.ts';

/**
 * Prints the state after a decision. If the call was approved, waits a little for its result; running out of that time is
 * not a failure, because the call continues.
 */
export async function showOutcome(
  io: Io,
  client: Holdpoint,
  decided: Review,
  wait: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const review = await follow(client, decided, wait, signal);
  io.data(review);
  io.print(...renderOutcome(review));
}

async function follow(
  client: Holdpoint,
  review: Review,
  wait: string | undefined,
  signal: AbortSignal,
): Promise<Review> {
  if (review.kind !== 'call' || review.status !== 'approved' || wait === undefined) return review;
  try {
    return (await client.review(review.reviewId).resolution({ timeout: wait, signal })).review;
  } catch (error) {
    if (error instanceof HoldpointError && error.retryable) return review;
    throw error;
  }
}

export function renderOutcome(review: Review): string[] {
  const lines = [`${review.reviewId}: ${describeStatus(review)}`];
  const open = review.levels.find((level) => level.status === 'open');
  if (review.status === 'pending' && open !== undefined) {
    const votes = countYeses(open);
    lines.push(
      `next: ${visible(open.name)}, ${votes} of ${open.quorum} from ${open.approvers.map(visible).join(' or ')}`,
    );
  }
  if (review.status === 'pending' && review.revision > 1) {
    lines.push(`it is now revision ${review.revision}, with a new digest: holdpoint review show ${review.reviewId}`);
  }
  if (review.execution.status === 'not_started') return lines;
  lines.push(describeExecution(review));
  const { body, error } = review.execution;
  if (error !== null) lines.push(`  ${visible(error.code)}: ${visible(error.message)}`);
  if (body !== undefined) lines.push(...indent(visibleJson(body)));
  return lines;
}

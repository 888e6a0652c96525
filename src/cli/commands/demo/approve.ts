import type { Resolution } from '../../../client/index.ts';
import type { Review } from '../../../contract/review.ts';
import { CliError } from '../../ui/exit.ts';
import { select } from '../../ui/prompt.ts';
import { check, say, type Tour } from './tour.ts';

/** Gets a yes: from the person at the prompt, from another terminal, or by itself. Returns how the review ended. */
export async function getApproval(tour: Tour, review: Review): Promise<Resolution> {
  if (tour.auto || (tour.io.interactive && (await askHere(tour, review)))) await approveHere(tour, review);
  else {
    say(
      tour,
      'Waiting for you. In another terminal:',
      `  npx holdpoint review show ${review.reviewId}`,
      `  npx holdpoint review approve ${review.reviewId} --as ops-1`,
      `Or look at it in the browser: ${tour.access.url}/reviews/${review.reviewId}`,
    );
  }
  const end = await tour.agent.review(review.reviewId).resolution({ timeout: '30m', signal: tour.signal });
  if (end.status === 'rejected' || end.status === 'expired' || end.status === 'withdrawn') {
    throw new CliError(
      'refused',
      end.status,
      `It ended as ${end.status}, so nothing was done.`,
      '`npm run demo` starts again.',
    );
  }
  return end;
}

async function askHere(tour: Tour, review: Review): Promise<boolean> {
  const answer = await select(tour.io, 'You are ops-1. Does this call run?', [
    { value: 'approve', label: 'Approve exactly what is shown above' },
    { value: 'elsewhere', label: 'I decide in another terminal' },
    { value: 'reject', label: 'Reject' },
  ]);
  if (answer === 'reject') {
    const digest = review.call.digest as string;
    await tour.reviewer.reviews.decide(review.reviewId, { type: 'reject', digest, comment: 'Rejected in the tour.' });
    throw new CliError('refused', 'rejected', 'You said no, so nothing was done.', '`npm run demo` starts again.');
  }
  return answer === 'approve';
}

/** The digest of what was shown goes along: had the call changed meanwhile, the yes would be refused. */
export async function approveHere(tour: Tour, review: Review): Promise<void> {
  const digest = review.call.digest as string;
  const decided = await tour.reviewer.reviews.decide(review.reviewId, { type: 'approve', digest });
  check(tour, 'ops-1 approved exactly that digest', !decided.admitted || decided.review.status === 'approved');
}

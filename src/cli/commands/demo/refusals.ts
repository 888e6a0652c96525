import { HoldpointError } from '../../../client/index.ts';
import { approveHere } from './approve.ts';
import { forgeApproval } from './forge.ts';
import { DELETE_ALL } from './sql.ts';
import { check, count, propose, say, scene, type Tour } from './tour.ts';

/** One no ends it, and the agent learns why. */
export async function rejectOne(tour: Tour): Promise<void> {
  scene(tour, '3. A call that is rejected');
  const before = await count(tour, 'true');
  say(tour, `demo-agent proposes: ${DELETE_ALL}`);
  const { review } = await propose(tour, DELETE_ALL, 'A clean start.');
  const comment = 'This would delete every user.';
  const digest = review.call.digest as string;
  await tour.reviewer.reviews.decide(review.reviewId, { type: 'reject', digest, comment });
  const end = await tour.agent.review(review.reviewId).resolution({ timeout: '1m', signal: tour.signal });
  check(
    tour,
    'the agent learns: rejected, why, and not to ask again',
    end.status === 'rejected' && end.comment === comment && !end.retryable,
  );
  check(tour, 'not a row is gone', (await count(tour, 'true')) === before);
}

/** Silence is no. The demo's policy gives this context five seconds. */
export async function letOneExpire(tour: Tour): Promise<void> {
  scene(tour, '4. A call that nobody decides on (its time to live is 5 s)');
  const before = await count(tour, 'true');
  const { review } = await propose(tour, DELETE_ALL, 'Surely nobody objects.', { scenario: 'expires-soon' });
  const end = await tour.agent.review(review.reviewId).resolution({ timeout: '1m', signal: tour.signal });
  check(tour, 'silence is no: it expired', end.status === 'expired');
  const late = await approveHere(tour, review).catch((error: unknown) => error);
  check(
    tour,
    'a late yes is refused',
    late instanceof HoldpointError && (late.code === 'expired' || late.code === 'already_resolved'),
  );
  check(tour, 'not a row is gone', (await count(tour, 'true')) === before);
}

/** Whoever can reach Temporal can signal a workflow. A signal is not an approval. */
export async function forgeOne(tour: Tour): Promise<void> {
  scene(tour, '5. A forged approval, sent straight to Temporal');
  const before = await count(tour, 'true');
  const { review } = await propose(tour, DELETE_ALL, 'I have an idea.');
  const receipt = await forgeApproval(tour.access.temporalAddress, review);
  check(tour, 'the workflow took no notice of the forged signals', receipt !== 'accepted');
  const after = await tour.reviewer.reviews.get(review.reviewId);
  check(tour, 'the call still waits', after.status === 'pending' && after.execution.status === 'not_started');
  check(tour, 'not a row is gone', (await count(tour, 'true')) === before);
  const end = await tour.agent.reviews.withdraw(review.reviewId);
  check(tour, 'the agent took the call back', end.admitted && end.review.status === 'withdrawn');
}

import { renderReview } from '../../ui/review-view.ts';
import { formatCount } from '../../ui/time.ts';
import { getApproval } from './approve.ts';
import { ALL_COUNT, DELETE_STALE, RESTORE_STALE, STALE, STALE_COUNT } from './sql.ts';
import { check, count, fact, propose, say, scene, type Tour } from './tour.ts';

/** After an earlier tour the rows are gone. Putting them back is a change too, so it goes through the same gate. */
export async function restoreWhenGone(tour: Tour): Promise<void> {
  const stale = await count(tour, STALE);
  if (stale === STALE_COUNT) return;
  scene(tour, 'Before we begin: put back what an earlier tour deleted');
  const { review } = await propose(tour, RESTORE_STALE, 'Put back the rows that the tour before this one deleted.');
  tour.io.print(...renderReview(tour.io, review));
  const end = await getApproval(tour, review);
  check(tour, 'the rows are back', end.executed && (await count(tour, STALE)) === STALE_COUNT);
}

/** The main scene. Returns the id of the review, for the proof. */
export async function deleteStaleUsers(tour: Tour): Promise<string> {
  scene(tour, '1. An agent wants to delete 1,247 inactive users');
  const before = await count(tour, 'true');
  check(tour, `the table holds ${formatCount(ALL_COUNT)} users (a read: it ran at once)`, before === ALL_COUNT);
  say(tour, '', `demo-agent proposes: ${DELETE_STALE}`);
  const { review } = await propose(tour, DELETE_STALE, 'Inactive for years; they only cost storage.');
  tour.io.print('', ...renderReview(tour.io, review), '');
  check(
    tour,
    'Holdpoint itself counted 1,247 rows, by running it and rolling it back',
    fact(review, 'affected_rows') === STALE_COUNT,
  );
  check(tour, 'a sample of the rows is shown', Array.isArray(fact(review, 'sample')));
  check(tour, `still ${formatCount(ALL_COUNT)} users`, (await count(tour, 'true')) === ALL_COUNT);

  const end = await getApproval(tour, review);
  check(tour, 'the call ran once, after the yes', end.executed);
  check(tour, 'exactly those 1,247 rows are gone', await onlyStaleGone(tour));
  return review.reviewId;
}

async function onlyStaleGone(tour: Tour): Promise<boolean> {
  return (await count(tour, STALE)) === 0 && (await count(tour, 'true')) === ALL_COUNT - STALE_COUNT;
}

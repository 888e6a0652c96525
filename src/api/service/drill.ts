import { readVisible } from './read.ts';
import { watchReview } from './hub.ts';
import type { Caller } from './types.ts';
import { isoNow, newUlid, reviewSignerOf, type ServiceContext } from './context.ts';
import { isoOf } from '../../domain/deadline.ts';
import type { ReviewerPrincipal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import type { Delivery } from '../../contract/delivery.ts';
import { DRILL_TTL, type DrillReport, type DrillRequest, type DrillStarted } from '../../contract/drill.ts';
import type { ReviewId } from '../../contract/ids.ts';
import { drillGroupsOf, isDrill, questionOfDrill, reportDrill } from '../../domain/drill.ts';
import { membersOf } from '../../domain/eligibility.ts';

const HOUR_MS = 3_600_000;
const OPENED_WITHIN_MS = 2_000;

/**
 * Starts a drill of a group ({@link drillGroupsOf}): one per group and clock hour, over all api processes, as it
 * mails people. The request is signed, so that nothing but a reviewer's own request makes a review a drill.
 */
export async function startDrill(
  context: ServiceContext,
  principal: ReviewerPrincipal,
  { group, ttl = DRILL_TTL.default }: DrillRequest,
  { signal }: Caller,
): Promise<DrillStarted> {
  const signer = reviewSignerOf(context);
  const { deploymentId, reviewers, ...settings } = context.settings.current();
  const mayStart = drillGroupsOf({ ...settings, reviewers }, principal.reviewer);
  if (!mayStart.includes(group)) {
    const own = mayStart.length === 0 ? 'There is none that you can start.' : `Yours: ${mayStart.join(', ')}.`;
    const who = settings.operators.length === 0 ? 'a reviewer of the group' : 'an operator';
    throw new ProblemError('forbidden', { detail: `Only ${who} can start the drill of a group. ${own}` });
  }
  // Before the hour's drill is used up.
  await context.gate.ping();
  await useHour(context, group);
  const reviewId = `rev_${newUlid(context.clock.now())}`;
  const payload = {
    deploymentId,
    reviewId,
    group,
    ttl,
    reviewer: { id: principal.id, method: principal.method },
    startedAt: isoNow(context),
  };
  await context.gate.startDrill(reviewId, signer.sign('drill', payload), questionOfDrill(payload, reviewers).title);
  // So that whoever started it can open it at once; where no worker comes in time, it opens later.
  const watch = await watchReview(context, reviewId);
  await watch.until((stored) => stored !== undefined, OPENED_WITHIN_MS, signal).finally(() => watch.close());
  return { reviewId, group, members: membersOf([group], reviewers).map(({ id }) => id) };
}

async function useHour({ store, clock }: ServiceContext, group: string): Promise<void> {
  const now = clock.now();
  const hour = Math.floor(now / HOUR_MS);
  const until = (hour + 1) * HOUR_MS;
  const ends = isoOf(until);
  if (await store.sessions.useOnce(`drill:${hour}:${group}`, ends, isoOf(now))) return;
  throw new ProblemError('rate_limited', {
    detail: `This group has had its drill of this hour. The next one can start at ${ends}.`,
    retryAfterSeconds: Math.ceil((until - now) / 1_000),
  });
}

/** Throws `not_found` for a review that is no drill. */
export async function readDrillReport(
  context: ServiceContext,
  principal: ReviewerPrincipal,
  reviewId: ReviewId,
): Promise<DrillReport> {
  const review = await readVisible(context, principal, reviewId);
  if (!isDrill(review)) throw new ProblemError('not_found', { detail: 'This review is not a drill.' });
  const deliveries: Delivery[] = [];
  let cursor: string | null = null;
  do {
    const page = await context.store.deliveries.list({ reviewId, limit: 200, ...(cursor === null ? {} : { cursor }) });
    deliveries.push(...(page?.deliveries ?? []));
    cursor = page?.nextCursor ?? null;
  } while (cursor !== null);
  return reportDrill(review, deliveries);
}

import type { IndexedEntry } from '../../contract/audit.ts';
import type { DeliveryStore, PlannedDelivery } from '../../ports/outbox.ts';
import type { Review } from '../../contract/review.ts';
import type { Store } from '../../ports/store.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import type { NoticeEvent } from './channel.ts';
import { configuredDestinations, isAnybodyTold, type Destination } from './destinations.ts';
import { isFinalEntry, planNotices, type PlannedNotice } from './plan.ts';
import { wantsEvent } from './channels/webhook/channel.ts';

export interface FanOutDeps {
  readonly store: Pick<Store, 'entries' | 'readReview'> & { readonly deliveries: DeliveryStore };
  readonly settings: SettingsSource;
}

const PAGE = 500;

/**
 * Follows the log from the durable cursor on and writes down who is to be told of it. Several processes may do this at
 * once: each step moves the cursor or writes nothing.
 */
export async function fanOut({ store, settings }: FanOutDeps): Promise<void> {
  for (;;) {
    const current = settings.current();
    const configured = configuredDestinations(current);
    if (!isAnybodyTold(current)) {
      await store.deliveries.skipToEnd();
      return;
    }
    const since = await store.deliveries.enroll(configured.map(({ name }) => name));
    const from = await store.deliveries.cursor();
    const entries = await store.entries(from, PAGE);
    const last = entries.at(-1);
    if (last === undefined) return;
    const reviews = new Map<string, Review | undefined>();
    const planned: PlannedDelivery[] = [];
    for (const indexed of entries) {
      const review = await readOnce(store, reviews, indexed);
      if (review === undefined) continue;
      const awake = configured.filter(({ name }) => (since.get(name) ?? Infinity) <= indexed.index);
      planned.push(...planEntry(indexed, review, planNotices(indexed.entry, review, current), awake));
    }
    const moved = await store.deliveries.fanOut(from, last.index + 1, planned);
    if (entries.length < PAGE && moved) return;
  }
}

async function readOnce(
  store: FanOutDeps['store'],
  seen: Map<string, Review | undefined>,
  { entry }: IndexedEntry,
): Promise<Review | undefined> {
  // What can follow from `proposed` follows from the `classified` that comes with it.
  if (!('reviewId' in entry) || entry.type === 'proposed') return undefined;
  if (!seen.has(entry.reviewId)) seen.set(entry.reviewId, (await store.readReview(entry.reviewId))?.review);
  return seen.get(entry.reviewId);
}

function planEntry(
  { index, entry }: IndexedEntry,
  review: Review,
  notices: readonly PlannedNotice[],
  destinations: readonly Destination[],
): readonly PlannedDelivery[] {
  const common = { sequence: index, reviewId: review.reviewId, at: entry.at };
  const planned = notices.flatMap((notice, ordinal) =>
    destinations
      .filter((destination) => isFor(destination, notice))
      .map(({ name: destination }) => ({ ...common, destination, ordinal, event: notice.event, vote: notice.vote })),
  );
  if (review.callback === null || !review.proposer.attested || !isFinalEntry(entry)) return planned;
  // Storage keeps the first of them alone, should an entry like it ever follow.
  const answer = { ...common, destination: `callback:${review.reviewId}`, ordinal: 0, vote: null };
  return [...planned, { ...answer, event: 'review.final' satisfies NoticeEvent }];
}

function isFor(destination: Destination, { event, people }: PlannedNotice): boolean {
  switch (destination.channel) {
    case 'webhook':
      return wantsEvent(destination.events, event);
    case 'email':
      return people.includes(destination.recipient.id);
    case 'slack':
      return true;
    case 'callback':
      return false;
    default:
      return destination satisfies never;
  }
}

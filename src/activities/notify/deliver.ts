import { randomUUID } from 'node:crypto';
import { mailboxName } from '../../contract/constants.ts';
import type { DeliveryStore, Settlement, WaitingDelivery } from '../../ports/outbox.ts';
import type { Store } from '../../ports/store.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import { isOvertaken } from '../../domain/lifecycle.ts';
import { withRelated } from '../../domain/related.ts';
import type { Clock } from '../../ports/connector.ts';
import type { Batch, Channel, Delivered, Notice, NoticeEvent } from './channel.ts';
import { findDestination, nextMessage, whoHasPlace, type Channels, type Destination } from './destinations.ts';

export interface DeliverDeps {
  readonly store: Pick<Store, 'readReview' | 'readRecord' | 'proposedCalls'> & { readonly deliveries: DeliveryStore };
  readonly settings: SettingsSource;
  readonly channels: Channels;
  readonly clock: Clock;
  /** Told of every attempt. */
  readonly onAttempt?: (attempt: Attempt) => void;
}

export interface Attempt {
  readonly channel: Channel['name'];
  readonly result: Delivered['kind'];
}

/** What one round came to. */
export type Round =
  /** Nothing waits. */
  | { readonly kind: 'idle' }
  /** Something was told or dropped; there may be more. */
  | { readonly kind: 'more' }
  /** The rate limit, or an attempt failed with a code: come again in so many ms. */
  | { readonly kind: 'wait'; readonly ms: number; readonly code?: string };

const PAGE = 100;
const ATTEMPT_MS = 30_000;
/** Longer than the longest attempt; a worker that is killed holds a destination up for no longer. */
const LEASE_MS = 40_000;
/** Destinations that are told at the same time by one worker. */
const AT_ONCE = 50;
/** Back-off after the first failed attempt; doubled after each, up to the longest. */
const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 60_000;
/** A timer may fire a moment early; the database's clock decides whether a pause is over. */
const CLOCK_MS = 50;
/** The rate limit is looked at again after this time: the configuration may be another, or something else may wait. */
const LONGEST_WAIT_MS = 60_000;
/** No target can hold its notices up for longer by the time that it names. */
const LONGEST_PAUSE_MS = 10 * 60_000;
/** A notice that nobody could be given in this time is given up, ms; what is younger is told first when they are back. */
const KEPT_MS = 72 * 3_600_000;

/** Tells destinations what waits for them, each in order, none held up by another. */
export interface Deliverer {
  /** Begins with every destination that has something waiting and is not being told, here or by another worker. */
  look(): Promise<void>;
  /** Ends attempts under way and resolves when all have ended. */
  stop(): Promise<void>;
}

/**
 * A lease in the database makes sure that one worker at a time tells a destination. It is all the state there is: what
 * waits and what was told is in the database too, so a worker that is killed loses nothing, and another goes on once its
 * lease has ended; it tells again what was told and not noted.
 *
 * @param onError told why a destination could not be looked after; it comes again
 */
export function createDeliverer(deps: DeliverDeps, onError: (error: unknown) => void): Deliverer {
  const running = new Map<string, Promise<void>>();
  const controller = new AbortController();
  const { signal } = controller;

  /** There were more than can be told at once. */
  let isCrowded = false;

  async function look(): Promise<void> {
    if (signal.aborted) return;
    const due = await deps.store.deliveries.due(AT_ONCE);
    isCrowded = due.length === AT_ONCE;
    for (const name of due) {
      if (running.size >= AT_ONCE || signal.aborted) return;
      if (!running.has(name)) running.set(name, run(name));
    }
  }

  async function run(name: string): Promise<void> {
    let pause: number | null = null;
    try {
      pause = await deliverAll(deps, name, signal);
    } catch (error) {
      onError(error);
    }
    running.delete(name);
    const isPlaceFree = isCrowded && running.size < AT_ONCE / 2;
    if (pause !== null || isPlaceFree) setTimeout(() => void look().catch(onError), (pause ?? 0) + CLOCK_MS).unref();
  }

  return {
    look,
    stop: async () => {
      controller.abort();
      await Promise.all(running.values());
    },
  };
}

/** Tells one destination until nothing waits; resolves with ms after which it has to be looked at again, or null. */
async function deliverAll(deps: DeliverDeps, name: string, signal: AbortSignal): Promise<number | null> {
  const { deliveries } = deps.store;
  const token = randomUUID();
  let pause = FIRST_BACK_OFF_MS;
  try {
    // Prolonged before each message: an attempt fits into it.
    while (!signal.aborted && (await deliveries.lease(name, token, LEASE_MS))) {
      const round = await deliverNext(deps, name, signal);
      if (round.kind === 'more') continue;
      pause = round.kind === 'wait' ? round.ms : 0;
      return round.kind === 'wait' ? round.ms : null;
    }
    return null;
  } finally {
    await deliveries.release(name, token, pause).catch(() => undefined);
  }
}

/**
 * One message to one destination. Everything is read from the database: whoever can run this at will can at most have
 * true facts told again.
 */
export async function deliverNext(deps: DeliverDeps, name: string, signal: AbortSignal): Promise<Round> {
  const { deliveries } = deps.store;
  const rows = await deliveries.waiting(name, PAGE);
  if (rows.length === 0) return { kind: 'idle' };
  const settings = deps.settings.current();
  const destination = findDestination(settings, name);
  if (destination === undefined) {
    await deliveries.settleAll(name, settlement('skipped', 'not_configured'));
    return { kind: 'idle' };
  }
  const channel = deps.channels[destination.channel];
  if (channel === undefined) return { kind: 'wait', ms: LONGEST_BACK_OFF_MS, code: 'no_channel' };
  const chosen = await choose(deps, destination, channel, rows, settings.deploymentId);
  if (chosen.kind !== 'tell') return chosen;
  const [first, ...rest] = chosen.notices.map(({ notice }) => notice);
  if (first === undefined) return { kind: 'more' };
  const batch: Batch = {
    destination: name,
    recipient: 'recipient' in destination ? destination.recipient : null,
    form: chosen.form,
    notices: [first, ...rest],
    mentioned: chosen.mentioned,
    id: first.id,
    signal: AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]),
  };
  const result = await attempt(channel, batch);
  deps.onAttempt?.({ channel: channel.name, result: result.kind });
  return settle(deps, name, chosen, result);
}

interface Readied {
  readonly row: WaitingDelivery;
  readonly notice: Notice;
}
interface Chosen {
  readonly kind: 'tell';
  readonly form: Batch['form'];
  readonly counted: boolean;
  readonly mentioned: readonly string[];
  readonly notices: readonly Readied[];
}

/** What is told next. Notices that nobody needs any more are dropped on the way. */
async function choose(
  deps: DeliverDeps,
  destination: Destination,
  channel: Channel,
  rows: readonly WaitingDelivery[],
  deploymentId: string,
): Promise<Chosen | Round> {
  const { store, clock } = deps;
  const reviews = new Map<string, Told | undefined>();
  const telling: Readied[] = [];
  for (const row of rows) {
    if (!reviews.has(row.reviewId)) reviews.set(row.reviewId, await readTold(store, destination, row));
    const told = reviews.get(row.reviewId);
    const notice = told === undefined ? undefined : noticeOf(row, told, deploymentId);
    const dropped = notice === undefined ? 'no_review' : refusalOf(destination, channel, notice);
    if (notice === undefined || dropped !== undefined) {
      await store.deliveries.settle(destination.name, [row], settlement('skipped', dropped ?? 'no_review'));
      continue;
    }
    const isQuiet = channel.interest?.(notice) === 'quiet';
    if (!('pace' in destination) || isQuiet) {
      // A machine's first in line; or what is no message at all, which never waits behind those that are.
      return { kind: 'tell', form: 'each', counted: false, mentioned: [], notices: [{ row, notice }] };
    }
    telling.push({ row, notice });
  }
  const [first] = telling;
  if (first === undefined || !('pace' in destination)) return { kind: 'more' };
  const { pace } = destination;
  const now = clock.now();
  const since = new Date(now - pace.perMs).toISOString();
  const told = await store.deliveries.told(destination.name, since);
  const mentions = 'recipient' in destination ? await store.deliveries.mentions(destination.recipient.id, since) : [];
  const next = nextMessage(pace, told, telling.length, now, mentions);
  switch (next.kind) {
    case 'wait':
      return { kind: 'wait', ms: Math.min(next.ms, LONGEST_WAIT_MS) };
    case 'digest':
      return { kind: 'tell', form: 'digest', counted: true, mentioned: [], notices: telling };
    case 'each': {
      const mentioned = await mention(deps, destination, channel, first, since);
      return { kind: 'tell', form: 'each', counted: true, mentioned, notices: [first] };
    }
    default:
      return next satisfies never;
  }
}

/** Whom the message may call by name; noted before it is sent, so that a mail under way at the same time reckons with it. */
async function mention(
  { store }: DeliverDeps,
  { name, pace }: Extract<Destination, { pace: unknown }>,
  channel: Channel,
  { row, notice }: Readied,
  since: string,
): Promise<readonly string[]> {
  const people = (channel.mentions?.(notice) ?? []).map((reviewer) => ({ reviewer, mailbox: mailboxName(reviewer) }));
  if (people.length === 0) return [];
  return store.deliveries.mention(name, row, people, since, (told) => whoHasPlace(pace.limit, told));
}

/** People are not called to what is over. */
function refusalOf(destination: Destination, channel: Channel, notice: Notice): string | undefined {
  if ('pace' in destination && isOvertaken(notice.event, notice.review.status)) return 'moot';
  return channel.interest?.(notice) === 'no' ? 'not_wanted' : undefined;
}

type Told = Pick<Notice, 'review' | 'materials'>;

/** People are shown what changed since the last version, and what else the agent tried; machines are not. */
async function readTold(
  store: DeliverDeps['store'],
  destination: Destination,
  { reviewId }: WaitingDelivery,
): Promise<Told | undefined> {
  const review = (await store.readReview(reviewId))?.review;
  if (review === undefined || !('pace' in destination)) return review && { review };
  const told = { review: withRelated(review, await store.proposedCalls.related(review)) };
  return review.revision < 2 ? told : { ...told, materials: (await store.readRecord(reviewId))?.materials ?? [] };
}

function noticeOf(row: WaitingDelivery, told: Told, deploymentId: string): Notice {
  const place = row.event === 'review.final' ? row.reviewId : `${row.sequence}_${row.ordinal}`;
  return {
    id: `evt_${deploymentId}_${place}`,
    sequence: row.sequence,
    event: row.event as NoticeEvent,
    at: row.at,
    ...told,
    vote: row.vote,
  };
}

async function attempt(channel: Channel, batch: Batch): Promise<Delivered> {
  try {
    return await channel.deliver(batch);
  } catch {
    // A channel's own mistake; what it says may hold an address or a secret.
    return { kind: 'retry', code: 'channel_failed' };
  }
}

async function settle(deps: DeliverDeps, name: string, chosen: Chosen, result: Delivered): Promise<Round> {
  const { deliveries } = deps.store;
  const rows = chosen.notices.map(({ row }) => row);
  const httpStatus = 'httpStatus' in result ? (result.httpStatus ?? null) : null;
  const write = (state: Settlement['state'], code: string | null) =>
    deliveries.settle(name, rows, { ...settlement(state, code), httpStatus });
  switch (result.kind) {
    case 'delivered':
      await deliveries.settle(name, rows, {
        ...settlement('delivered', result.code ?? null),
        httpStatus,
        counted: chosen.counted,
        mentioned: chosen.mentioned,
      });
      return { kind: 'more' };
    case 'skipped':
      await write('skipped', result.code);
      return { kind: 'more' };
    case 'give_up':
      await write('failed', result.code);
      if (result.disable !== true) return { kind: 'more' };
      await deliveries.disable(name, result.code);
      await deliveries.settleAll(name, settlement('skipped', 'disabled'));
      return { kind: 'idle' };
    case 'retry': {
      const isOld = rows.every((row) => Date.parse(row.createdAt) < deps.clock.now() - KEPT_MS);
      await write(isOld ? 'failed' : 'waiting', result.code);
      return isOld ? { kind: 'more' } : { kind: 'wait', ms: pauseAfter(result.afterMs, rows), code: result.code };
    }
    default:
      return result satisfies never;
  }
}

/** Until the next attempt, ms: as the target asks for, else by how often the first of these was tried in vain before. */
function pauseAfter(afterMs: number | undefined, [first]: readonly WaitingDelivery[]): number {
  if (afterMs !== undefined) return Math.min(afterMs, LONGEST_PAUSE_MS);
  return Math.min(FIRST_BACK_OFF_MS * 2 ** (first?.attempts ?? 0), LONGEST_BACK_OFF_MS);
}

/** What is settled without a message that counts. */
function settlement(state: Settlement['state'], code: string | null): Settlement {
  return { state, code, httpStatus: null, counted: false, mentioned: [] };
}

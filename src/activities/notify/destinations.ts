import type { ReviewerConfig } from '../../contract/config.ts';
import { mailboxName } from '../../contract/constants.ts';
import type { PersonTold } from '../../ports/outbox.ts';
import { durationMs } from '../../contract/policy.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import type { Channel } from './channel.ts';
import { webhookName } from './channels/webhook/channel.ts';

const DEFAULT_RATE = { perReviewer: 20, per: '1h' };

/** What a destination wants, and what it may get. */
export interface Pace {
  readonly mode: 'per-event' | 'digest';
  /** Messages at most `limit` in `perMs`; a digest counts as one, and so does being called by name elsewhere. */
  readonly limit: number;
  readonly perMs: number;
}

/** One place to tell, as the configuration in force has it. */
export type Destination =
  | { readonly channel: 'webhook'; readonly name: string; readonly events: readonly string[] }
  | { readonly channel: 'email'; readonly name: string; readonly recipient: ReviewerConfig; readonly pace: Pace }
  | { readonly channel: 'slack'; readonly name: string; readonly pace: Pace }
  | { readonly channel: 'callback'; readonly name: string };

/** Every destination but the callbacks, which come and go with reviews. */
export function configuredDestinations(settings: Settings): readonly Destination[] {
  const { notifications, reviewers } = settings;
  if (notifications === undefined) return [];
  const { perReviewer: limit, per } = notifications.rateLimit ?? DEFAULT_RATE;
  const perMs = durationMs(per);
  const { email, slack } = notifications;
  const people = reviewers.flatMap((recipient): Destination[] => {
    const mode = recipient.notify ?? email?.mode ?? 'off';
    // Mode off for all is off for all: there may be no mail server at all.
    if (email === undefined || email.mode === 'off' || mode === 'off' || recipient.email === undefined) return [];
    return [{ channel: 'email', name: mailboxName(recipient.id), recipient, pace: { mode, limit, perMs } }];
  });
  const machines = new Map(
    (notifications.webhooks ?? []).map(({ url, events }) => [
      url,
      { channel: 'webhook', name: webhookName(url), events } as const,
    ]),
  );
  return [
    ...people,
    ...(slack === undefined || slack.mode === 'off'
      ? []
      : [{ channel: 'slack', name: 'slack', pace: { mode: slack.mode, limit, perMs } } as const]),
    ...machines.values(),
  ];
}

/** Whether there is anybody to tell at all. */
export function isAnybodyTold(settings: Settings): boolean {
  return settings.callbacks.length > 0 || configuredDestinations(settings).length > 0;
}

/** The destination of a name; undefined: the configuration knows none such (any more). */
export function findDestination(settings: Settings, name: string): Destination | undefined {
  if (name.startsWith('callback:')) return { channel: 'callback', name };
  return configuredDestinations(settings).find((destination) => destination.name === name);
}

/** The channels there are, by name; a process has those that it could open. */
export type Channels = Partial<Record<Channel['name'], Channel>>;

export type NextMessage =
  /** The oldest notice alone. */
  | { readonly kind: 'each' }
  /** Everything that waits, in one message. */
  | { readonly kind: 'digest' }
  /** Nothing now; ms until it may be something. */
  | { readonly kind: 'wait'; readonly ms: number };

/** A message that mentions people and is still being sent: after this many ms it is known whether it was delivered. */
const UNDER_WAY_MS = 30_000;

/**
 * How the next of `waiting` notices is told. What does not fit into the messages that are left is folded into one of
 * them at once, so that nobody hears late of what could be said now; once none is left, everything waits for the next
 * and is folded into that. In mode `digest` there is one message in `perMs`.
 *
 * `told`: epoch ms of the messages of the last `perMs`, oldest first. `waiting`: at least 1. `mentions`: when the person
 * whose destination it is was called by name in messages to others; the limit is that of the person.
 */
export function nextMessage(
  pace: Pace,
  told: readonly number[],
  waiting: number,
  now: number,
  mentions: readonly (number | 'under_way')[] = [],
): NextMessage {
  const since = now - pace.perMs;
  const elsewhere = mentions.map((at) => (at === 'under_way' ? since + UNDER_WAY_MS : at));
  const own = told.filter((at) => at > since);
  const all = [...own, ...elsewhere.filter((at) => at > since)].toSorted((a, b) => a - b);
  const ownLimit = pace.mode === 'digest' ? 1 : pace.limit;
  const wait = Math.max(untilFree(own, ownLimit, pace.perMs, now), untilFree(all, pace.limit, pace.perMs, now));
  if (wait > 0) return { kind: 'wait', ms: wait };
  return pace.mode === 'digest' || waiting > pace.limit - all.length ? { kind: 'digest' } : { kind: 'each' };
}

/** Ms until fewer than `limit` of these times (oldest first) are in the window; 0: they are fewer now. */
function untilFree(times: readonly number[], limit: number, perMs: number, now: number): number {
  if (times.length < limit) return 0;
  // A message frees its place when it is old enough; the one that must go first is the `limit`th from the end.
  return Math.max(1, (times[times.length - limit] ?? now) + perMs - now);
}

/**
 * Who has a place left for being called by name. The last place is kept for a mail where one waits: that one tells
 * everything, and mentions that come first again and again would keep it waiting.
 */
export function whoHasPlace(limit: number, people: readonly PersonTold[]): readonly string[] {
  return people.filter(({ told, mailWaits }) => told + (mailWaits ? 1 : 0) < limit).map(({ reviewer }) => reviewer);
}

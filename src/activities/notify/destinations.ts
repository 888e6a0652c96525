import type { ReviewerConfig } from '../../contract/config.ts';
import { durationMs } from '../../contract/policy.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import type { Channel } from './channel.ts';
import type { Pace } from './rate-limit.ts';
import { webhookName } from './channels/webhook/channel.ts';

const DEFAULT_RATE = { perReviewer: 20, per: '1h' };

/** One place to tell, as the configuration in force has it. */
export type Destination =
  | { readonly channel: 'webhook'; readonly name: string; readonly events: readonly string[] }
  | { readonly channel: 'email'; readonly name: string; readonly recipient: ReviewerConfig; readonly pace: Pace }
  | { readonly channel: 'slack'; readonly name: string; readonly pace: Pace }
  | { readonly channel: 'callback'; readonly name: string };

/** A person's mails, whether the configuration in force has them mailed or not. */
export function mailboxName(reviewer: string): string {
  return `email:${reviewer}`;
}

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

import { wasStopped } from '../../../../domain/stop.ts';
import { pageBaseOf, type SettingsSource } from '../../../../domain/policy/settings.ts';
import { NOTICE } from '../../../../domain/lifecycle.ts';
import {
  lineAbout,
  findMentionable,
  mentionsOf,
  reviewMessage,
  statusWords,
  type MessageDeps,
} from '../../../../domain/slack/message.ts';
import type { Batch, Channel, ChannelMemory, Delivered, Notice } from '../../channel.ts';
import { callSlack, GONE, postToWebhook, SLACK_API, type Place, type Posted, type SlackPost } from './api.ts';

export interface SlackDeps {
  readonly settings: SettingsSource;
  readonly post: SlackPost;
  /** Value of `env:NAME` or `file:PATH`; undefined where there is none. */
  readonly resolve: (reference: string) => string | undefined;
  readonly memory: ChannelMemory;
  /** Where people reach the api where the configuration has no `publicUrl`; null: unknown, and messages carry no link. */
  readonly fallbackUrl: string | null;
  readonly now: () => number;
  /** Default: Slack's own. */
  readonly apiUrl?: string;
}

type Access =
  | { readonly kind: 'bot'; readonly token: string; readonly channel: string }
  | { readonly kind: 'webhook'; readonly url: string };

/**
 * Messages in one Slack channel. With a bot token there is one message for each review, which is changed as the review
 * goes on, and a thread below it in which people are called; through a webhook each call is a message of its own.
 */
export function createSlackChannel(deps: SlackDeps): Channel {
  return {
    name: 'slack',
    interest({ event }) {
      if (event === 'review.blocked') return 'no';
      return NOTICE[event].call === null ? 'quiet' : 'tell';
    },
    mentions(notice) {
      if (NOTICE[notice.event].call === null) return [];
      return findMentionable(notice.review, deps.settings.current(), timeOf(notice, deps)).map(({ id }) => id);
    },
    async deliver(batch) {
      const access = accessOf(deps);
      if ('code' in access) return access;
      if (batch.form === 'digest') return ended(await say(deps, access, digestText(deps, batch), batch.signal));
      const [notice] = batch.notices;
      return access.kind === 'bot'
        ? tellWithBot(deps, access, notice, batch)
        : tellThroughWebhook(deps, access, notice, batch);
    },
  };
}

function accessOf({ settings, resolve }: SlackDeps): Access | Exclude<Delivered, { kind: 'delivered' }> {
  const slack = settings.current().notifications?.slack;
  if (slack === undefined || slack.mode === 'off') return { kind: 'give_up', code: 'not_configured' };
  if (slack.token !== undefined && slack.channel !== undefined) {
    const token = resolve(slack.token);
    return token === undefined
      ? { kind: 'retry', code: 'secret_missing' }
      : { kind: 'bot', token, channel: slack.channel };
  }
  const url = slack.webhook === undefined ? undefined : resolve(slack.webhook);
  return url === undefined ? { kind: 'retry', code: 'secret_missing' } : { kind: 'webhook', url };
}

async function tellWithBot(
  deps: SlackDeps,
  access: Extract<Access, { kind: 'bot' }>,
  notice: Notice,
  { destination, signal, mentioned }: Batch,
): Promise<Delivered> {
  const { review, event, materials } = notice;
  const { reviewId } = review;
  const { call } = NOTICE[event];
  const message = (words = '') => ({
    ...reviewMessage(review, messageDeps(deps), materials, words),
    unfurl_links: false,
    unfurl_media: false,
  });
  const to = { apiUrl: deps.apiUrl ?? SLACK_API, token: access.token, signal };
  const place = readPlace(await deps.memory.get(destination, reviewId));
  if (place !== undefined) {
    const updated = await callSlack(deps.post, to, 'chat.update', { ...place, ...message() });
    if (updated.kind === 'posted') {
      if (call === null) return { kind: 'delivered', code: 'updated' };
      const text = callText(deps, notice, call, mentioned);
      const inThread = { channel: place.channel, thread_ts: place.ts, reply_broadcast: true };
      return ended(await callSlack(deps.post, to, 'chat.postMessage', { ...inThread, ...PLAIN, text }));
    }
    // The message was deleted: a notice that asks for people is posted anew.
    if (updated.kind !== 'give_up' || !GONE.has(updated.code)) return updated;
  }
  if (call === null) return { kind: 'skipped', code: 'no_message' };
  const mentions = mentionsOf(review, deps.settings.current(), mentioned, timeOf(notice, deps));
  const posted = await callSlack(deps.post, to, 'chat.postMessage', {
    channel: access.channel,
    // Notifications go to those who are mentioned in it.
    ...message(mentions),
    parse: 'none',
  });
  if (posted.kind === 'posted' && posted.place !== null) {
    await deps.memory.put(destination, reviewId, JSON.stringify(posted.place));
  }
  return ended(posted);
}

/** A webhook changes nothing that it posted, so what was asked and how it ended are two messages. */
async function tellThroughWebhook(
  deps: SlackDeps,
  access: Extract<Access, { kind: 'webhook' }>,
  notice: Notice,
  { signal, mentioned }: Batch,
): Promise<Delivered> {
  const { event, review } = notice;
  const { call } = NOTICE[event];
  if (call !== null) {
    const asks = review.status === 'pending' || event === 'review.proceeding';
    if (!asks) return ended(await say(deps, access, callText(deps, notice, call, mentioned), signal));
    const mentions = mentionsOf(review, deps.settings.current(), mentioned, timeOf(notice, deps));
    const message = reviewMessage(review, messageDeps(deps), notice.materials, `*${call}* ${mentions}`.trim());
    return ended(await postToWebhook(deps.post, { url: access.url, signal }, message));
  }
  if (!NOTICE[event].isLast) return { kind: 'skipped', code: 'not_by_webhook' };
  return ended(await say(deps, access, callText(deps, notice, endWords(notice), []), signal));
}

function endWords({ event, review }: Notice): string {
  const isOfTheCall = event === 'execution.executed' || (event === 'execution.failed' && !wasStopped(review));
  return isOfTheCall ? NOTICE[event].subject : statusWords(review);
}

/** Slack makes nothing of the text by itself. */
const PLAIN = { parse: 'none', unfurl_links: false } as const;

/** One line, by bot or by webhook. */
function say(deps: SlackDeps, access: Access, text: string, signal: AbortSignal): Promise<Posted> {
  if (access.kind === 'webhook') return postToWebhook(deps.post, { url: access.url, signal }, { text });
  const to = { apiUrl: deps.apiUrl ?? SLACK_API, token: access.token, signal };
  return callSlack(deps.post, to, 'chat.postMessage', { channel: access.channel, ...PLAIN, text });
}

function callText(deps: SlackDeps, notice: Notice, words: string, mentioned: readonly string[]): string {
  const { review } = notice;
  const mentions = mentionsOf(review, deps.settings.current(), mentioned, timeOf(notice, deps));
  return [lineAbout(review, words, messageDeps(deps).baseUrl), mentions].filter((part) => part !== '').join(' ');
}

/** Now, and not before what is told: the clock of the worker that recorded it may be ahead of this one's. */
function timeOf({ at }: Pick<Notice, 'at'>, { now }: SlackDeps): number {
  return Math.max(now(), Date.parse(at));
}

function digestText(deps: SlackDeps, { notices }: Batch): string {
  const { baseUrl } = messageDeps(deps);
  // The state of a review is the state now: several notices about it are one line.
  const latest = new Map(notices.map((notice) => [notice.review.reviewId, notice]));
  const shown = [...latest.values()].slice(0, 30);
  const lines = shown.map(({ review }) => `• ${lineAbout(review, statusWords(review), baseUrl)}`);
  const more = latest.size - shown.length;
  return [`${latest.size} reviews`, ...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

function messageDeps({ settings, fallbackUrl, now }: SlackDeps): MessageDeps {
  const current = settings.current();
  return { settings: current, baseUrl: pageBaseOf(current, fallbackUrl), now: now() };
}

function ended(posted: Posted): Delivered {
  return posted.kind === 'posted' ? { kind: 'delivered' } : posted;
}

function readPlace(text: string | undefined): Place | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Place);
}

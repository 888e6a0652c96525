import { wasStopped } from '../../../../domain/stop.ts';
import type { SettingsSource } from '../../../../domain/policy/settings.ts';
import {
  lineAbout,
  findMentionable,
  mentionsOf,
  reviewMessage,
  statusWords,
  type MessageDeps,
} from '../../../../domain/slack/message.ts';
import type { Batch, Channel, ChannelMemory, Delivered, Notice, NoticeEvent } from '../../channel.ts';
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

/** What people are called to, in words; what is not here only changes the message that is there. */
const CALLS: Partial<Record<NoticeEvent, string>> = {
  'review.pending': 'Waits for a decision',
  'review.proceeding': 'Goes ahead without a decision',
  'review.revised': 'There is another version; votes on earlier ones are void',
  'review.reminder': 'Still waits, and nobody deciding is a no',
  'review.escalated': 'Has waited for long',
  'execution.unknown': 'Sent, and nobody knows whether it took effect: please find out',
};
const LAST = new Set<NoticeEvent>(['review.resolved', 'execution.executed', 'execution.failed']);

type Way =
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
      return CALLS[event] === undefined ? 'quiet' : 'tell';
    },
    mentions(notice) {
      if (CALLS[notice.event] === undefined) return [];
      return findMentionable(notice.review, deps.settings.current(), timeOf(notice, deps)).map(({ id }) => id);
    },
    async deliver(batch) {
      const way = wayOf(deps);
      if ('code' in way) return way;
      if (batch.form === 'digest') return ended(await say(deps, way, digestText(deps, batch), batch.signal));
      const [notice] = batch.notices;
      return way.kind === 'bot' ? tellWithBot(deps, way, notice, batch) : tellThroughWebhook(deps, way, notice, batch);
    },
  };
}

function wayOf({ settings, resolve }: SlackDeps): Way | Exclude<Delivered, { kind: 'delivered' }> {
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
  way: Extract<Way, { kind: 'bot' }>,
  notice: Notice,
  { destination, signal, mentioned }: Batch,
): Promise<Delivered> {
  const { review, event, materials } = notice;
  const { reviewId } = review;
  const call = CALLS[event];
  const message = { ...reviewMessage(review, messageDeps(deps), materials), unfurl_links: false, unfurl_media: false };
  const to = { apiUrl: deps.apiUrl ?? SLACK_API, token: way.token, signal };
  const place = readPlace(await deps.memory.get(destination, reviewId));
  if (place !== undefined) {
    const updated = await callSlack(deps.post, to, 'chat.update', { ...place, ...message });
    if (updated.kind === 'posted') {
      if (call === undefined) return { kind: 'delivered', code: 'updated' };
      const text = callText(deps, notice, call, mentioned);
      return ended(
        await callSlack(deps.post, to, 'chat.postMessage', {
          channel: place.channel,
          thread_ts: place.ts,
          reply_broadcast: true,
          text,
          parse: 'none',
          unfurl_links: false,
        }),
      );
    }
    // Somebody deleted it: who has to be called gets a new one.
    if (updated.kind !== 'give_up' || !GONE.has(updated.code)) return updated;
  }
  if (call === undefined) return { kind: 'skipped', code: 'no_message' };
  const mentions = mentionsOf(review, deps.settings.current(), mentioned, timeOf(notice, deps));
  const posted = await callSlack(deps.post, to, 'chat.postMessage', {
    channel: way.channel,
    ...message,
    // Notifications go to those who are mentioned in it.
    blocks: mentions === '' ? message.blocks : [mentionBlock(mentions), ...message.blocks].slice(0, 50),
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
  way: Extract<Way, { kind: 'webhook' }>,
  notice: Notice,
  { signal, mentioned }: Batch,
): Promise<Delivered> {
  const { event, review } = notice;
  const call = CALLS[event];
  if (call !== undefined) {
    const asks = review.status === 'pending' || event === 'review.proceeding';
    if (!asks) return ended(await say(deps, way, callText(deps, notice, call, mentioned), signal));
    const message = reviewMessage(review, messageDeps(deps), notice.materials);
    const mentions = mentionsOf(review, deps.settings.current(), mentioned, timeOf(notice, deps));
    const blocks = [mentionBlock(`*${call}* ${mentions}`.trim()), ...message.blocks].slice(0, 50);
    return ended(await postToWebhook(deps.post, { url: way.url, signal }, { ...message, blocks }));
  }
  if (!LAST.has(event)) return { kind: 'skipped', code: 'not_by_webhook' };
  return ended(await say(deps, way, callText(deps, notice, endWords(notice), []), signal));
}

function endWords({ event, review }: Notice): string {
  if (event === 'execution.executed') return 'The call was made';
  if (event === 'execution.failed' && !wasStopped(review)) return 'The call failed';
  return statusWords(review);
}

/** One line, by whichever way there is. */
function say(deps: SlackDeps, way: Way, text: string, signal: AbortSignal): Promise<Posted> {
  if (way.kind === 'webhook') return postToWebhook(deps.post, { url: way.url, signal }, { text });
  const to = { apiUrl: deps.apiUrl ?? SLACK_API, token: way.token, signal };
  return callSlack(deps.post, to, 'chat.postMessage', {
    channel: way.channel,
    text,
    parse: 'none',
    unfurl_links: false,
  });
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
  const baseUrl = (current.publicUrl ?? fallbackUrl)?.replace(/\/$/, '') ?? null;
  return { settings: current, baseUrl, now: now() };
}

/** Ours and the configuration's user ids: the only mrkdwn there is in blocks. */
function mentionBlock(text: string) {
  return { type: 'section' as const, text: { type: 'mrkdwn' as const, text, verbatim: true } };
}

function ended(posted: Posted): Delivered {
  return posted.kind === 'posted' ? { kind: 'delivered' } : posted;
}

function readPlace(text: string | undefined): Place | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Place);
}

import type { SlackMessage } from '../../../../domain/slack/message.ts';
import type { Delivered } from '../../channel.ts';

/** Sends one POST and reads what comes back; redirects are not followed. */
export type SlackPost = (request: {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}) => Promise<
  | { readonly kind: 'answer'; readonly status: number; readonly body: string; readonly retryAfter: string | null }
  | { readonly kind: 'lost' }
>;

/** Where a message is, so that it can be changed: channel and time stamp. */
export interface Place {
  readonly channel: string;
  readonly ts: string;
}

export type Posted =
  | { readonly kind: 'posted'; readonly place: Place | null }
  | Exclude<Delivered, { kind: 'delivered' }>;

export const SLACK_API = 'https://slack.com/api';

/**
 * Calls a method of the Web API. Slack answers 200 with `ok: false` and an error word, or 429 with `Retry-After`
 * (https://docs.slack.dev/apis/web-api, https://docs.slack.dev/apis/web-api/rate-limits).
 */
export async function callSlack(
  post: SlackPost,
  to: { readonly apiUrl: string; readonly token: string; readonly signal: AbortSignal },
  method: 'chat.postMessage' | 'chat.update',
  body: Readonly<Record<string, unknown>>,
): Promise<Posted> {
  const result = await post({
    url: `${to.apiUrl}/${method}`,
    headers: { authorization: `Bearer ${to.token}`, 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
    signal: to.signal,
  });
  const failed = judgeTransport(result);
  if (failed !== undefined) return failed;
  const answer = readAnswer(result.kind === 'answer' ? result.body : '');
  if (answer?.ok !== true) return refused(answer?.error);
  const { channel, ts } = answer;
  return { kind: 'posted', place: typeof channel === 'string' && typeof ts === 'string' ? { channel, ts } : null };
}

/** Posts through an incoming webhook, which answers `ok` and nothing by which the message could be changed. */
export async function postToWebhook(
  post: SlackPost,
  to: { readonly url: string; readonly signal: AbortSignal },
  message: SlackMessage | { readonly text: string },
): Promise<Posted> {
  const result = await post({
    url: to.url,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ ...message, unfurl_links: false, unfurl_media: false }),
    signal: to.signal,
  });
  return judgeTransport(result) ?? { kind: 'posted', place: null };
}

function judgeTransport(result: Awaited<ReturnType<SlackPost>>): Exclude<Posted, { kind: 'posted' }> | undefined {
  if (result.kind === 'lost') return { kind: 'retry', code: 'no_answer' };
  const { status: httpStatus, retryAfter } = result;
  if (httpStatus >= 200 && httpStatus <= 299) return undefined;
  if (httpStatus === 429) {
    const seconds = Number(retryAfter);
    return { kind: 'retry', code: 'rate_limited', httpStatus, afterMs: (seconds > 0 ? seconds : 30) * 1_000 };
  }
  // A webhook says 400 for what it cannot show; that will not get better. The rest may be set right at Slack.
  return httpStatus === 400
    ? { kind: 'give_up', code: 'invalid_payload', httpStatus }
    : { kind: 'retry', code: 'answered', httpStatus };
}

/** What no later attempt would change: the message is not one that Slack takes, or not there any more. */
const FINAL = new Set(['invalid_blocks', 'invalid_blocks_format', 'msg_too_long', 'no_text', 'invalid_arguments']);
export const GONE = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed']);

/** Words of Slack are kept only where they look like one of its codes. */
function refused(error: unknown): Exclude<Posted, { kind: 'posted' }> {
  const code = typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : 'unreadable_answer';
  return FINAL.has(code) || GONE.has(code) ? { kind: 'give_up', code } : { kind: 'retry', code };
}

function readAnswer(text: string): { ok?: unknown; error?: unknown; channel?: unknown; ts?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

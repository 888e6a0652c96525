import type { SendPost } from '../../activities/notify/channels/webhook/standard-webhook.ts';
import { exchange, systemResolver } from '../../connectors/http/exchange.ts';
import type { FindProxy } from '../../domain/proxy.ts';
import type { SlackPost } from '../../activities/notify/channels/slack/api.ts';
import type { AnswerSlack } from '../../api/index.ts';

/** One POST on a fresh connection, behind the same guards as the calls of connectors; no credential comes near it. */
export function createSendPost(proxy: FindProxy): SendPost {
  return async ({ url, headers, body, allowPrivateAddresses, signal }) => {
    const result = await exchange(
      { method: 'POST', url, headers, body },
      { resolve: systemResolver, allowPrivateAddresses, proxy, sendBy: Number.POSITIVE_INFINITY, signal },
    );
    switch (result.kind) {
      case 'answer':
        return { kind: 'answer', status: result.status, retryAfter: result.headers['retry-after'] ?? null };
      case 'lost':
        return { kind: 'lost' };
      case 'not_sent':
        return { kind: 'not_sent', code: CODES[result.why] };
      default:
        return result satisfies never;
    }
  };
}

const CODES = {
  refused: 'target_refused',
  untrusted: 'certificate_untrusted',
  unreachable: 'target_unreachable',
  stale: 'target_unreachable',
  invalid: 'target_unreachable',
} as const;

const ANSWER_MS = 10_000;

/** One POST to Slack. The address is Slack's own, or the webhook that the configuration names. */
export const sendToSlack: SlackPost = async ({ url, headers, body, signal }) => {
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
    return {
      kind: 'answer',
      status: response.status,
      body: await response.text(),
      retryAfter: response.headers.get('retry-after'),
    };
  } catch {
    return { kind: 'lost' };
  }
};

/** What came of a press, to the person who pressed. */
export const answerSlack: AnswerSlack = async (url, body) => {
  const result = await sendToSlack({
    url,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  return result.kind === 'answer' && result.status >= 200 && result.status <= 299;
};

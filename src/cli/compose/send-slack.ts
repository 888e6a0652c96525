import type { SlackPost } from '../../activities/notify/channels/slack/api.ts';
import type { AnswerSlack } from '../../api/index.ts';

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

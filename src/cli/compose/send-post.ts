import type { SendPost } from '../../activities/notify/channels/webhook/standard-webhook.ts';
import { exchange, systemResolver } from '../../connectors/http/exchange.ts';

/** One POST on a fresh connection, behind the same guards as the calls of connectors; no credential comes near it. */
export const sendPost: SendPost = async ({ url, headers, body, allowPrivateAddresses, signal }) => {
  const result = await exchange(
    { method: 'POST', url, headers, body },
    { resolve: systemResolver, allowPrivateAddresses, sendBy: Number.POSITIVE_INFINITY, signal },
  );
  switch (result.kind) {
    case 'answer':
      return { kind: 'answer', status: result.status, retryAfter: result.retryAfter };
    case 'lost':
      return { kind: 'lost' };
    case 'not_sent':
      return { kind: 'not_sent', code: result.why === 'refused' ? 'target_refused' : 'target_unreachable' };
    default:
      return result satisfies never;
  }
};

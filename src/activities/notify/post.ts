import type { Delivered } from './channel.ts';

/** Sends one POST. Redirects are answers like others; addresses are checked as those of connectors are. */
export type SendPost = (request: {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly allowPrivateAddresses: boolean;
  readonly signal: AbortSignal;
}) => Promise<PostResult>;

export type PostResult =
  /** `retryAfter`: the header as it came. */
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfter: string | null }
  /** Not one byte left: the address is not allowed, or nobody is there. */
  | { readonly kind: 'not_sent'; readonly code: 'target_refused' | 'target_unreachable' }
  | { readonly kind: 'lost' };

/**
 * What an answer means, by Standard Webhooks: 2xx is a yes, 410 ends it for good, everything else comes again. A target
 * that was configured wrongly may be set right within the days that a notice is kept for, and one that says when to come again
 * is heeded. `now`: epoch ms.
 */
export function judgePost(result: PostResult, now: number): Delivered {
  switch (result.kind) {
    case 'answer': {
      const httpStatus = result.status;
      if (httpStatus >= 200 && httpStatus <= 299) return { kind: 'delivered', httpStatus };
      if (httpStatus === 410) return { kind: 'give_up', code: 'gone', httpStatus, disable: true };
      const afterMs = readRetryAfter(result.retryAfter, now);
      return { kind: 'retry', code: 'answered', httpStatus, ...(afterMs === undefined ? {} : { afterMs }) };
    }
    case 'not_sent':
      return { kind: 'retry', code: result.code };
    case 'lost':
      return { kind: 'retry', code: 'no_answer' };
    default:
      return result satisfies never;
  }
}

/** `Retry-After` (RFC 9110, 10.2.3) in ms: seconds, or a date. Undefined where it says nothing that can be read. */
function readRetryAfter(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? '';
  const ms = /^[0-9]{1,10}$/.test(text) ? Number(text) * 1_000 : /[a-z]/i.test(text) ? Date.parse(text) - now : NaN;
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}

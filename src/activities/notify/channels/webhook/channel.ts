import { createHash } from 'node:crypto';
import { namesPrivatePlace } from '../../../../domain/addresses.ts';
import { writeJson } from '../../../../contract/exact-number.ts';
import { isDrill } from '../../../../domain/drill.ts';
import { matchesPattern, type SettingsSource } from '../../../../domain/policy/settings.ts';
import type { Channel, Notice } from '../../channel.ts';
import { judgePost, readSecrets, signMessage, type SendPost } from './standard-webhook.ts';

export interface WebhookDeps {
  readonly settings: SettingsSource;
  readonly post: SendPost;
  /** Value of `env:NAME` or `file:PATH`; undefined where there is none. */
  readonly resolve: (reference: string) => string | undefined;
  readonly now: () => number;
}

const SHOWN = 500;

/**
 * `webhook:` and the URL. A query may hold a secret, and names are seen in lists and in Temporal: there it is a hash,
 * which tells two of them apart.
 */
export function webhookName(text: string): string {
  const { origin, pathname } = new URL(text);
  const shown = `${origin}${pathname}`;
  if (text === shown && shown.length <= SHOWN) return `webhook:${shown}`;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return `webhook:${shown.slice(0, SHOWN)}?${hash}`;
}

/** Standard Webhooks, one message for each notice, in the order of the log. */
export function createWebhookChannel({ settings, post, resolve, now }: WebhookDeps): Channel {
  return {
    name: 'webhook',
    async deliver({ destination, notices: [notice], signal }) {
      const current = settings.current();
      const webhook = current.notifications?.webhooks?.find((candidate) => webhookName(candidate.url) === destination);
      if (webhook === undefined) return { kind: 'give_up', code: 'not_configured' };
      const { url } = webhook;
      const secret = resolve(webhook.secret);
      if (secret === undefined) return { kind: 'retry', code: 'secret_missing' };
      const secrets = readSecrets(secret);
      if (secrets === undefined) return { kind: 'retry', code: 'secret_invalid' };
      const body = writeJson(webhookBody(notice, current.publicUrl));
      const headers = signMessage(notice.id, body, now(), secrets);
      const allowPrivateAddresses = webhook.allowPrivateAddresses ?? namesPrivatePlace(url);
      return judgePost(await post({ url, headers, body, allowPrivateAddresses, signal }), now());
    },
  };
}

/**
 * Thin: ids, states and a link, from which whoever may see more reads the rest. Nothing that an agent or a target said;
 * the longest body is far below the 20 kB that receivers take.
 */
export function webhookBody({ event, at, sequence, review, vote }: Notice, publicUrl: string | null) {
  return {
    type: event,
    timestamp: at,
    data: {
      sequence,
      deploymentId: review.deploymentId,
      reviewId: review.reviewId,
      decisionId: review.decisionId,
      kind: review.kind,
      ...(isDrill(review) ? { drill: true } : {}),
      status: review.status,
      executionStatus: review.execution.status,
      class: review.class,
      gate: review.gate,
      reasonCodes: review.reasonCodes.slice(0, 50),
      service: review.call.service,
      tool: review.call.tool,
      revision: review.revision,
      level: review.level,
      levels: review.levels.length,
      proposer: { id: review.proposer.id, owner: review.proposer.owner },
      threadId: review.threadId,
      group: review.group,
      proposedAt: review.proposedAt,
      expiresAt: review.expiresAt,
      resolvedAt: review.resolvedAt,
      ...(vote === null ? {} : { vote }),
      url: publicUrl === null ? null : `${publicUrl.replace(/\/$/, '')}/reviews/${review.reviewId}`,
    },
  };
}

/** Whether a webhook asked for an event: by its name, or by a beginning followed by `*`. */
export function wantsEvent(patterns: readonly string[], event: string): boolean {
  return patterns.some((pattern) => matchesPattern(pattern, event));
}

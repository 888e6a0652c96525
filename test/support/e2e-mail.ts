import type { ConfigFile } from '../../src/contract/config.ts';
import { startWorld, until, type World } from './e2e-world.ts';
import { linksOf, startMailServer, type MailServer, type ReceivedMail } from './smtp.ts';

type Webhook = NonNullable<NonNullable<ConfigFile['notifications']>['webhooks']>[number];

/** A Holdpoint that tells ops-1 and its colleagues by mail, under a policy that takes decisions from mails. */
export interface MailWorld {
  readonly world: World;
  readonly smtp: MailServer;
  /** The mails to one person about one review, once there are `count` of them. */
  mails(reviewer: string, reviewId: string, count?: number): Promise<readonly ReceivedMail[]>;
  /** The link by which a person may decide about a review. */
  link(reviewer: string, reviewId: string): Promise<string>;
  close(): Promise<void>;
}

export async function startMailWorld(
  more: { readonly env?: Readonly<Record<string, string>>; readonly webhooks?: readonly Webhook[] } = {},
): Promise<MailWorld> {
  const smtp = await startMailServer();
  const world = await startWorld({
    env: { SMTP_URL: smtp.url, ...more.env },
    config: {
      notifications: {
        ...(more.webhooks === undefined ? {} : { webhooks: [...more.webhooks] }),
        email: { mode: 'per-event', from: 'Holdpoint <holdpoint@example.com>', smtp: 'env:SMTP_URL' },
        rateLimit: { perReviewer: 1_000, per: '1h' },
      },
    },
    policy: {
      approvals: [
        // As irreversible calls are by default: a mail leads to the review, which asks for a session.
        {
          match: 'tool == "bank.order"',
          levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }],
          ttl: '1h',
        },
        {
          match: 'true',
          levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }],
          ttl: '1h',
          emailDecision: 'confirm',
        },
      ],
    },
  }).catch(async (error: unknown) => {
    await smtp.stop();
    throw error;
  });
  const mails: MailWorld['mails'] = (reviewer, reviewId, count = 1) =>
    until(
      async () => {
        const found = smtp.mails.filter(
          ({ parsed, to }) => to.includes(`${reviewer}@example.com`) && parsed.text?.includes(reviewId) === true,
        );
        return found.length < count ? undefined : found;
      },
      { what: `${count} mails to ${reviewer} about ${reviewId}` },
    );
  return {
    world,
    smtp,
    mails,
    link: async (reviewer, reviewId) => {
      const [mail] = await mails(reviewer, reviewId);
      const found = (mail === undefined ? [] : linksOf(mail)).find((url) => url.includes('/mail/'));
      if (found === undefined) throw new Error(`no link that decides about ${reviewId}`);
      return found;
    },
    close: async () => {
      await world.close();
      await smtp.stop();
    },
  };
}

import type { KeyObject } from 'node:crypto';
import type { SettingsSource } from '../../../../domain/policy/settings.ts';
import type { Channel } from '../../channel.ts';
import { composeMail } from './compose.ts';
import { sendMail } from './transport.ts';

export interface EmailDeps {
  readonly settings: SettingsSource;
  /** Value of `env:NAME` or `file:PATH`; undefined where there is none. */
  readonly resolve: (reference: string) => string | undefined;
  /** Where people reach the api where the configuration has no `publicUrl`; null: unknown, and mails carry no link. */
  readonly fallbackUrl: string | null;
  /** The mail key in force (Ed25519); undefined: mails ask to sign in. */
  readonly mailKey: () => KeyObject | undefined;
  readonly now: () => number;
}

/** Mails to reviewers, over SMTP. One message a batch, so the engine's rate limit counts mails. */
export function createEmailChannel({ settings, resolve, fallbackUrl, mailKey, now }: EmailDeps): Channel {
  return {
    name: 'email',
    async deliver(batch) {
      const current = settings.current();
      const { recipient } = batch;
      const email = current.notifications?.email;
      if (email === undefined || email.mode === 'off' || recipient?.email === undefined) {
        return { kind: 'give_up', code: 'not_configured' };
      }
      const url = resolve(email.smtp);
      if (url === undefined) return { kind: 'retry', code: 'secret_missing' };
      const baseUrl = (current.publicUrl ?? fallbackUrl)?.replace(/\/$/, '') ?? null;
      const to = { ...recipient, email: recipient.email };
      const mail = composeMail(batch, to, current, { baseUrl, mailKey: mailKey(), now: now() });
      return sendMail(url, email.from, mail, batch.signal);
    },
  };
}

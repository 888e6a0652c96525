import type { KeyObject } from 'node:crypto';
import { createTransport } from 'nodemailer';
import { pageBaseOf, type SettingsSource } from '../../../../domain/policy/settings.ts';
import type { Channel, Delivered } from '../../channel.ts';
import { composeMail, type Mail } from './compose.ts';

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
      const baseUrl = pageBaseOf(current, fallbackUrl);
      const to = { ...recipient, email: recipient.email };
      const mail = composeMail(batch, to, current, { baseUrl, mailKey: mailKey(), now: now() });
      return sendMail(url, email.from, mail, batch.signal);
    },
  };
}

const CONNECT_MS = 10_000;
const SOCKET_MS = 20_000;

/** Hands one mail to the SMTP server at `url` (`smtps://user:password@host`, `smtp://host:587?requireTLS=true`). */
async function sendMail(url: string, from: string, mail: Mail, signal: AbortSignal): Promise<Delivered> {
  if (!/^smtps?:\/\//i.test(url)) return { kind: 'retry', code: 'smtp_url_invalid' };
  const transport = createTransport({
    url,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SOCKET_MS,
    // A mail is made of what we give it and of nothing that it could make us fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const abort = (): void => transport.close();
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (signal.aborted) return { kind: 'retry', code: 'stopped' };
    await Promise.race([transport.sendMail(messageOf(from, mail)), rejectOn(signal)]);
    return { kind: 'delivered' };
  } catch (error) {
    return signal.aborted ? { kind: 'retry', code: 'stopped' } : judgeFailure(error);
  } finally {
    signal.removeEventListener('abort', abort);
    transport.close();
  }
}

function messageOf(from: string, mail: Mail) {
  const { to, subject, text, html, messageId, thread, listId } = mail;
  return {
    from,
    to: { name: '', address: to },
    subject,
    text,
    html,
    messageId,
    textEncoding: 'quoted-printable' as const,
    ...(thread === null ? {} : { inReplyTo: thread, references: [thread] }),
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'List-Id': `Holdpoint reviews <${listId}>`,
    },
  };
}

async function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
  });
}

/**
 * RFC 5321, 4.2.1: a 4xx comes again. A 5xx about this mail or its recipient never goes through; one about us (the
 * login, the greeting) is for an operator to set right, and until then the mails wait.
 */
function judgeFailure(error: unknown): Delivered {
  const { code, responseCode } = error as { readonly code?: unknown; readonly responseCode?: unknown };
  const aboutTheMail = code === 'EENVELOPE' || code === 'EMESSAGE';
  if (typeof responseCode === 'number' && responseCode >= 400 && responseCode <= 599) {
    const answer = `smtp_${responseCode}`;
    return responseCode >= 500 && aboutTheMail ? { kind: 'give_up', code: answer } : { kind: 'retry', code: answer };
  }
  switch (code) {
    case 'ETIMEDOUT':
      return { kind: 'retry', code: 'smtp_timeout' };
    case 'ETLS':
      return { kind: 'retry', code: 'smtp_tls' };
    case 'EAUTH':
      return { kind: 'retry', code: 'smtp_login' };
    // No answer of a server, so the address itself was not one.
    case 'EENVELOPE':
      return { kind: 'give_up', code: 'address_invalid' };
    default:
      return { kind: 'retry', code: 'smtp_unreachable' };
  }
}

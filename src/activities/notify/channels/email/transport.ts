import { createTransport } from 'nodemailer';
import type { Delivered } from '../../channel.ts';
import type { Mail } from './compose.ts';

const CONNECT_MS = 10_000;
const SOCKET_MS = 20_000;

/** Hands one mail to the SMTP server at `url` (`smtps://user:password@host`, `smtp://host:587?requireTLS=true`). */
export async function sendMail(url: string, from: string, mail: Mail, signal: AbortSignal): Promise<Delivered> {
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

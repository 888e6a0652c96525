import type { Readable } from 'node:stream';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import { freePort } from './ports.ts';

export interface ReceivedMail {
  readonly parsed: ParsedMail;
  /** As it came over the wire. */
  readonly raw: string;
  readonly to: readonly string[];
}

/** What the server says to a recipient or a message: undefined takes it. */
export type SmtpAnswer = { readonly at: 'rcpt' | 'data'; readonly code: number } | undefined;

export interface MailServer {
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  /** From now on. */
  answer(next: SmtpAnswer): void;
  /** Resolves once so many mails have come. */
  received(count: number): Promise<readonly ReceivedMail[]>;
  /** Nobody listens any more. */
  stop(): Promise<void>;
  /** Listens again, on the same port. */
  start(): Promise<void>;
}

/** A real SMTP server on loopback, without TLS, that keeps what it gets. */
export async function startMailServer(): Promise<MailServer> {
  const port = await freePort();
  const mails: ReceivedMail[] = [];
  const waiting = new Set<() => void>();
  let answer: SmtpAnswer;
  let server: SMTPServer | undefined;

  const refusal = (at: 'rcpt' | 'data') =>
    answer?.at === at ? Object.assign(new Error('refused by the test'), { responseCode: answer.code }) : null;
  async function keep(stream: Readable, session: SMTPServerSession): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const refused = refusal('data');
    if (refused !== null) throw refused;
    const raw = Buffer.concat(chunks);
    const to = session.envelope.rcptTo.map(({ address }) => address);
    mails.push({ parsed: await simpleParser(raw), raw: raw.toString('latin1'), to });
    for (const look of waiting) look();
  }
  const build = () =>
    new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      logger: false,
      onRcptTo: (_address, _session, callback) => callback(refusal('rcpt')),
      onData(stream, session, callback) {
        void keep(stream, session).then(() => callback(), callback);
      },
    });
  const start = async (): Promise<void> => {
    const next = build();
    // A client that leaves in the middle is no failure of the test.
    next.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      next.server.once('error', reject);
      next.listen(port, '127.0.0.1', resolve);
    });
    server = next;
  };
  await start();

  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    answer: (next) => void (answer = next),
    received: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (mails.length < count) return;
          waiting.delete(look);
          resolve(mails);
        };
        waiting.add(look);
        look();
      }),
    async stop() {
      const stopping = server;
      server = undefined;
      if (stopping !== undefined) await new Promise<void>((resolve) => stopping.close(() => resolve()));
    },
    start,
  };
}

/** Addresses in a mail that lead to us, in order, each once; read from its text part. */
export function linksOf({ parsed }: ReceivedMail): readonly string[] {
  return [...new Set(parsed.text?.match(/^https?:\/\/\S+$/gm) ?? [])];
}

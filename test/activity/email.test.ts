import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deliverNext, type Round } from '../../src/activities/notify/deliver.ts';
import { createEmailChannel } from '../../src/activities/notify/channels/email/channel.ts';
import { fanOut } from '../../src/activities/notify/fan-out.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Store } from '../../src/ports/store.ts';
import { mailboxOf, readMailLink } from '../../src/domain/proof/mail-link.ts';
import { makeFixture, type GateFixture } from '../support/gate-fixture.ts';
import { makeJourneys, type ProposeOptions } from '../support/gate-journey.ts';
import { writeSecondVersion } from '../support/second-version.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { linksOf, startMailServer, type MailServer } from '../support/smtp.ts';
import { memoryStore } from '../support/databases.ts';

const KEY = generateKeyPairSync('ed25519');
const BASE = 'https://holdpoint.example.com';
const CONFIRM = { ...ONE_OF_OPS, emailDecision: 'confirm' } as const;
const HOSTILE = [
  '<script>alert(1)</script><img src="https://evil.example.com/x.png">',
  '[click](https://evil.example.com) **bold**',
  '\u202egnp.exe \u200bzero\u200bwidth',
  'Subject: forged',
].join('\n');

let store: Store;
let smtp: MailServer;
let gate: GateFixture;
/** A person of its own for each test: the store, and what was told to whom, is shared. */
let person: string;
let people = 0;
/** Ms by which the clock is ahead of the real one, by which the store says when something was told. */
let ahead = 0;
let mailKey: typeof KEY.privateKey | undefined;

beforeAll(async () => {
  store = await memoryStore();
});
afterAll(() => store.close());
beforeEach(async () => {
  smtp = await startMailServer();
  mailKey = KEY.privateKey;
  person = `reader-${(people += 1)}`;
  ahead = 0;
  gate = await makeFixture({ store, policy: { approval: CONFIRM }, now: () => Date.now() + ahead });
  configure();
  await follow();
});
afterEach(() => smtp.stop());

function configure(more: { readonly mode?: 'per-event' | 'digest'; readonly perReviewer?: number } = {}): void {
  gate.settings.update({
    reviewers: [{ id: person, groups: ['ops'], email: `${person}@example.com` }],
    publicUrl: BASE,
    notifications: {
      email: { mode: more.mode ?? 'per-event', from: 'Holdpoint <holdpoint@example.com>', smtp: 'env:SMTP_URL' },
      rateLimit: { perReviewer: more.perReviewer ?? 1_000, per: '1h' },
    },
  });
}

const follow = () => fanOut({ store, settings: gate.settings });
const propose = (account = 'a-1', options: ProposeOptions = {}, tool = 'payouts.create') =>
  makeJourneys(gate).open(tool, { account, amount: 100 }, options);

/** Everything that waits for the person, until the engine has nothing more to do now. */
async function deliver(url: string | null = smtp.url): Promise<Round> {
  await follow();
  const email = createEmailChannel({
    settings: gate.settings,
    resolve: (reference) => (reference === 'env:SMTP_URL' ? (url ?? undefined) : undefined),
    fallbackUrl: null,
    mailKey: () => mailKey,
    now: gate.clock.now,
  });
  for (;;) {
    const deps = { store, settings: gate.settings, channels: { email }, clock: gate.clock };
    const round = await deliverNext(deps, `email:${person}`, new AbortController().signal);
    if (round.kind !== 'more') return round;
  }
}
const lastState = async () => {
  const rows = await store.deliveries.list({ destination: `email:${person}` });
  return rows?.deliveries.map(({ state, code }) => [state, code])[0];
};

describe('a mail about one event', () => {
  test('shows what the review shows, as text and as HTML, to the one who may decide', async () => {
    const { reviewId } = await propose('acct-77', { request: { reason: 'The supplier asked for it.' } });
    expect(await deliver()).toEqual({ kind: 'idle' });
    const [mail] = smtp.mails;
    expect(mail?.to).toEqual([`${person}@example.com`]);
    expect(mail?.parsed.from?.value[0]?.address).toBe('holdpoint@example.com');
    for (const body of [mail?.parsed.text, String(mail?.parsed.html)]) {
      for (const part of [reviewId, 'payouts.create', 'acct-77', 'agent-1', 'ops-3', 'The supplier asked for it.']) {
        expect(body).toContain(part);
      }
      expect(body?.indexOf('acct-77')).toBeLessThan(body?.indexOf('The supplier asked for it.') ?? 0);
    }
  });

  test('another version: what changed, Holdpoint’s own evidence, the call, and then the agent’s words', async () => {
    const { reviewId } = await propose('acct-old', { request: { reason: 'Said by the agent.' } });
    await deliver();
    const at = new Date(gate.clock.now()).toISOString();
    await writeSecondVersion(store, reviewId, { arguments: { account: 'acct-new', amount: 100 }, rows: 4_711, at });
    await deliver();
    const mail = smtp.mails.at(-1);
    for (const body of [mail?.parsed.text ?? '', String(mail?.parsed.html).replaceAll('&#34;', '"')]) {
      expect(body).toMatch(/- +"account": "acct-old"/);
      expect(body).toMatch(/\+ +"account": "acct-new"/);
      expect(body).not.toMatch(/[+-] +"amount"/);
      const places = ['acct-old', 'Checked by Holdpoint', '4,711', 'exactly will happen', 'own words', 'Said by'].map(
        (part) => body.toLowerCase().indexOf(part.toLowerCase()),
      );
      expect(places.every((place, index) => place > (places[index - 1] ?? -1))).toBe(true);
    }
    expect(String(mail?.parsed.html)).toMatch(/<section class="voice-holdpoint">\s*<h2>Checked by Holdpoint/);
  });

  test('the link names the person, the review, the digest and the deadline, and is the only one', async () => {
    const { reviewId, digest } = await propose();
    await deliver();
    const [url = '', ...others] = linksOf(smtp.mails[0] as never);
    expect(others).toEqual([]);
    expect(url.startsWith(`${BASE}/mail/`)).toBe(true);
    const link = readMailLink(url.slice(`${BASE}/mail/`.length), [KEY.publicKey]);
    const expiresAt = Date.parse((await store.readReview(reviewId as never))?.review.expiresAt ?? '');
    expect(link).toEqual({
      deploymentId: gate.settings.current().deploymentId,
      reviewId,
      reviewer: person,
      digest,
      expiresAt,
      mailbox: mailboxOf(`${person}@example.com`),
    });
    expect(String(smtp.mails[0]?.parsed.html).match(/href="[^"]*"/g)).toEqual([`href="${url}"`]);
  });

  test.each([
    ['sign-in', true],
    ['off', false],
  ] as const)('where policy says %s, no link decides', async (emailDecision, leadsToReview) => {
    gate.settings.setPolicy({ approval: { ...ONE_OF_OPS, emailDecision } });
    const { reviewId } = await propose();
    await deliver();
    const [mail] = smtp.mails;
    expect(linksOf(mail as never)).toEqual(leadsToReview ? [`${BASE}/reviews/${reviewId}`] : []);
    expect(mail?.raw).not.toContain('/mail/');
  });

  test('without a mail key, the link asks to sign in', async () => {
    mailKey = undefined;
    const { reviewId } = await propose();
    await deliver();
    expect(linksOf(smtp.mails[0] as never)).toEqual([`${BASE}/reviews/${reviewId}`]);
  });

  test('what an agent writes is text: no markup, no header, no link, nothing invisible', async () => {
    await propose(HOSTILE, { request: { reason: HOSTILE } });
    await deliver();
    const [mail] = smtp.mails;
    const html = String(mail?.parsed.html);
    expect(html).not.toMatch(/<script|<img|<a [^>]*evil/i);
    expect(html).toContain('&#60;script&#62;alert(1)');
    expect(html).not.toContain('https://evil');
    for (const body of [mail?.parsed.text ?? '', html]) {
      expect(body).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b-\u200f]/);
      expect(body).toContain('\\u{202e}gnp.exe \\u{200b}zero');
    }
    expect(mail?.parsed.subject).not.toContain('forged');
    expect(mail?.parsed.headerLines.filter(({ key }) => key === 'subject')).toHaveLength(1);
    expect(mail?.parsed.attachments).toEqual([]);
  });

  test('what is too long for a mail is cut with a note, and the link leads to all of it', async () => {
    const { reviewId } = await propose(`start-${'x'.repeat(30_000)}-end`);
    await deliver();
    const [mail] = smtp.mails;
    expect(mail?.raw.length).toBeLessThan(100_000);
    expect(mail?.parsed.text).toContain('start-xxx');
    expect(mail?.parsed.text).not.toContain('-end');
    expect(mail?.parsed.text).toContain('[cut here');
    expect(linksOf(mail as never)).toHaveLength(1);
    expect((await store.readReview(reviewId as never))?.review.call.arguments?.['account']).toContain('-end');
  });

  test('W5: of a call with 2,000 arguments of two lines a mail holds what its reader shows, and the link', async () => {
    const request = { method: 'POST', path: '/payouts', body: 'arguments' } as const;
    const note = { name: 'payouts.note', class: 'irreversible', connector: 'payouts', request } as const;
    gate.settings.setPolicy({ tools: [note] });
    const notes = Array.from({ length: 2_000 }, (_, index) => [`note_${index}`, '<a>\n&"@b.c']);
    await makeJourneys(gate).open('payouts.note', Object.fromEntries(notes) as JsonObject);
    await deliver();
    const [mail] = smtp.mails;
    expect(mail?.raw.length).toBeLessThan(100_000);
    expect(String(mail?.parsed.html).length).toBeLessThan(100_000);
    expect(mail?.parsed.text).toMatch(/\[cut here: \d+ of \d+ parts are left out\]/);
    expect(linksOf(mail as never)).toHaveLength(1);
  });

  test('mails about one review are one thread; each has an id of its own', async () => {
    const journey = await propose();
    await deliver();
    const entry = { schemaVersion: 1, deploymentId: 'test-deployment', reviewId: journey.reviewId } as const;
    const at = new Date(gate.clock.now()).toISOString();
    await store.commit({
      entries: [{ ...entry, at, type: 'notified', event: 'reminder', channel: 'log', recipients: [] } as never],
    });
    await propose('another');
    await deliver();
    const heads = smtp.mails.map(({ parsed }) => parsed);
    expect(heads).toHaveLength(3);
    expect(new Set(heads.map(({ messageId }) => messageId)).size).toBe(3);
    expect(heads[0]?.inReplyTo).toBe(heads[1]?.inReplyTo);
    expect(heads[0]?.inReplyTo).not.toBe(heads[2]?.inReplyTo);
    expect(heads.map(({ headers }) => headers.get('auto-submitted'))).toEqual(Array(3).fill('auto-generated'));
    expect(heads.every(({ headers }) => headers.has('list'))).toBe(true);
  });
});

describe('digests', () => {
  test('in mode digest everything that waits comes in one mail', async () => {
    configure({ mode: 'digest' });
    const reviews = [await propose('acct-1'), await propose('acct-2'), await propose('acct-3')];
    expect((await deliver()).kind).toBe('idle');
    const [mail] = await smtp.received(1);
    expect(smtp.mails).toHaveLength(1);
    expect(linksOf(mail as never)).toHaveLength(3);
    for (const { reviewId } of reviews) expect(mail?.parsed.text).toContain(reviewId);
    expect(mail?.parsed.inReplyTo).toBeUndefined();
  });

  test('beyond the rate limit events are folded into a digest', async () => {
    configure({ perReviewer: 2 });
    await propose('acct-1');
    await deliver();
    for (const account of ['acct-2', 'acct-3', 'acct-4']) await propose(account);
    await deliver();
    expect(smtp.mails).toHaveLength(2);
    expect(linksOf(smtp.mails[1] as never)).toHaveLength(3);
    await propose('acct-5');
    expect((await deliver()).kind).toBe('wait');
    expect(smtp.mails).toHaveLength(2);
    ahead = 3_600_001;
    await deliver();
    expect(smtp.mails).toHaveLength(3);
    expect(smtp.mails[2]?.parsed.text).toContain('acct-5');
  });
});

describe('a mail server that does not take it', () => {
  test('is down: late, in order, not lost', async () => {
    await smtp.stop();
    const first = await propose('acct-1');
    expect(await deliver()).toMatchObject({ kind: 'wait', code: 'smtp_unreachable' });
    const second = await propose('acct-2');
    expect(await deliver()).toMatchObject({ kind: 'wait', code: 'smtp_unreachable' });
    await smtp.start();
    expect(await deliver()).toEqual({ kind: 'idle' });
    expect(
      smtp.mails.map(({ parsed }) => [first, second].findIndex(({ reviewId }) => parsed.text?.includes(reviewId))),
    ).toEqual([0, 1]);
  });

  test('a second attempt at a mail has the id of the first', async () => {
    smtp.answer({ at: 'data', code: 451 });
    await propose();
    expect(await deliver()).toMatchObject({ kind: 'wait', code: 'smtp_451' });
    expect(await lastState()).toEqual(['waiting', 'smtp_451']);
    smtp.answer(undefined);
    await deliver();
    const id = smtp.mails[0]?.parsed.messageId;
    expect(id).toMatch(/^<each\.[0-9a-f]{24}\.[0-9a-f]{24}@example\.com>$/);
  });

  test('a refusal for good is given up with its code, and the next one is told', async () => {
    smtp.answer({ at: 'rcpt', code: 550 });
    await propose('acct-1');
    expect(await deliver()).toEqual({ kind: 'idle' });
    expect(await lastState()).toEqual(['failed', 'smtp_550']);
    smtp.answer(undefined);
    await propose('acct-2');
    await deliver();
    expect(smtp.mails).toHaveLength(1);
    expect(smtp.mails[0]?.parsed.text).toContain('acct-2');
  });

  test.each([
    ['no secret', null, 'secret_missing'],
    ['no SMTP address', 'https://example.com', 'smtp_url_invalid'],
  ])('%s: it waits until an operator sets it right', async (_what, url, code) => {
    await propose();
    expect(await deliver(url)).toMatchObject({ kind: 'wait', code });
    await deliver();
    expect(smtp.mails).toHaveLength(1);
  });
});

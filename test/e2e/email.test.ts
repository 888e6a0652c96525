import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMailWorld, type MailWorld } from '../support/e2e-mail.ts';
import { newRef, until } from '../support/e2e-world.ts';
import { linksOf, type ReceivedMail } from '../support/smtp.ts';
import { EXECUTION } from '../../src/domain/lifecycle.ts';

/** Mails of a running Holdpoint, from the audit log through SMTP to a decision. */
let mail: MailWorld;
beforeAll(async () => {
  mail = await startMailWorld();
});
afterAll(() => mail.close());

test('a call that waits is told by mail, decided from it, made once, and the voter is told', async () => {
  const { world } = mail;
  const ref = newRef('mail');
  const { reviewId, call } = await world.hold('bank.pay', { ref, amount: 5 }, { reason: 'Invoice 77.' });
  const [first] = await mail.mails('ops-1', reviewId);
  for (const part of [ref, 'bank.pay', 'agent-1', 'Invoice 77.']) expect(first?.parsed.text).toContain(part);

  const url = await mail.link('ops-1', reviewId);
  const page = await (await fetch(url)).text();
  expect(page).toContain(ref);
  expect((await world.review(reviewId)).status).toBe('pending');

  const form = /name="form" value="([^"]*)"/.exec(page)?.[1] ?? '';
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams({ form, decision: 'approve' }) });
  expect(answer.status).toBe(200);
  const settled = await world.settled(reviewId);
  expect(settled).toMatchObject({
    status: 'approved',
    execution: { status: 'executed' },
    levels: [{ decisions: [{ type: 'approve', reviewer: 'ops-1', channel: 'email' }] }],
  });
  expect(world.target.count(ref)).toBe(1);
  const decided = (await world.entries(reviewId)).find(({ type }) => type === 'decided');
  expect(decided).toMatchObject({ reviewer: 'ops-1', channel: 'email', digest: call.digest });
  expect((await fetch(url)).status).toBe(409);

  // Whoever voted in that name, the person hears of it.
  const mails = await mail.mails('ops-1', reviewId, 2);
  expect(mails[1]?.parsed.text).toContain('recorded in your name');
  expect(mails[1]?.parsed.inReplyTo).toBe(first?.parsed.inReplyTo);
});

test('an irreversible call by default: the mail leads to the review, which takes a session and nothing less', async () => {
  const { world } = mail;
  const ref = newRef('session');
  const { reviewId, call } = await world.hold('bank.order', { ref });
  const [first] = await mail.mails('ops-1', reviewId);
  const links = linksOf(first as ReceivedMail);
  expect(links.map((link) => new URL(link).pathname)).toEqual([`/reviews/${reviewId}`]);
  expect(first?.raw).not.toContain('/mail/');

  const decision = { type: 'approve', digest: call.digest };
  const path = `/v1/reviews/${reviewId}`;
  expect((await world.send('GET', path)).status).toBe(401);
  expect((await world.send('POST', `${path}/decision`, { body: decision })).status).toBe(401);

  // A start with a configuration of one's own prints a link for each reviewer.
  const printed = /ops-1 .*#token=(hpl_[A-Za-z0-9_-]+)/;
  const token = await until(() => printed.exec(world.holdpoint.output())?.[1], { what: 'a sign-in link' });
  const signedIn = await world.send('POST', '/v1/session', { body: { token } });
  expect(signedIn).toMatchObject({ status: 200, body: { reviewer: { id: 'ops-1' } } });
  const headers = {
    cookie: (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '',
    'x-csrf-token': String(signedIn.body['csrfToken']),
  };
  expect((await world.send('POST', `${path}/decision`, { body: decision, headers })).status).toBe(200);
  expect(await world.settled(reviewId)).toMatchObject({
    status: 'approved',
    execution: { status: 'executed' },
    levels: [{ decisions: [{ type: 'approve', reviewer: 'ops-1', channel: 'dashboard' }] }],
  });
  expect(world.target.count(ref)).toBe(1);
});

test('an outcome that nobody knows is told to the owner and to those who may reconcile it', async () => {
  const { world } = mail;
  const ref = newRef('unknown');
  world.target.script(ref, { kind: 'reset' });
  const { reviewId } = await world.hold('bank.pay', { ref, amount: 5 });
  expect((await world.decide(reviewId, {}, 'ops-1')).status).toBe(200);
  expect(await world.settled(reviewId)).toMatchObject({ execution: { status: 'outcome_unknown' } });
  // The owner of the agent, and one of the last level that did not vote.
  for (const person of ['ops-3', 'ops-2']) {
    const told = await until(
      async () => {
        const { body } = await world.get(`/v1/deliveries?reviewId=${reviewId}&destination=email:${person}`);
        const rows = body['deliveries'] as readonly { readonly event: string; readonly state: string }[];
        return rows.find(({ event, state }) => event === 'execution.unknown' && state === 'delivered');
      },
      { what: `the unknown outcome told to ${person}`, withinMs: 60_000 },
    );
    expect(told.event).toBe('execution.unknown');
    const mails = await mail.mails(person, reviewId);
    expect(mails.some(({ parsed }) => parsed.text?.includes(EXECUTION.outcome_unknown.label) === true)).toBe(true);
  }
});

test('a mail has what Holdpoint found out itself above the call, named as its own', async () => {
  const { world } = mail;
  const ref = newRef('evidence');
  const { reviewId } = await world.hold('bank.closeAccount', { ref }, { reason: 'No longer used.' });
  const [first] = await mail.mails('ops-1', reviewId);
  const text = (first?.parsed.text ?? '').toLowerCase();
  const places = ['checked by holdpoint', `account: ${ref}`, 'what exactly will happen', 'own words', 'no longer used'];
  const found = places.map((part) => text.indexOf(part.toLowerCase()));
  expect(found.every((place, index) => place > (found[index - 1] ?? -1))).toBe(true);
});

test('a mail server that is away for a while: the gate goes on, the mail comes late', async () => {
  const { world, smtp } = mail;
  await smtp.stop();
  const waits = await world.hold('bank.pay', { ref: newRef('late'), amount: 5 });
  const decided = await world.hold('bank.pay', { ref: newRef('gate'), amount: 5 });
  await world.decide(decided.reviewId, {});
  expect(await world.settled(decided.reviewId)).toMatchObject({ execution: { status: 'executed' } });
  await smtp.start();
  expect(await mail.mails('ops-2', waits.reviewId)).toHaveLength(1);
});

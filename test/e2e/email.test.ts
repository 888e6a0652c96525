import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMailWorld, type MailWorld } from '../support/e2e-mail.ts';
import { newRef } from '../support/e2e-world.ts';

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

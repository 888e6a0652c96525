import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DrillReport } from '../../src/contract/drill.ts';
import { runCli } from '../support/e2e-cli.ts';
import { startMailWorld, type MailWorld } from '../support/e2e-mail.ts';
import { until } from '../support/e2e-world.ts';
import { startHookServer, type HookServer } from '../support/hook-server.ts';
import { linksOf, type ReceivedMail } from '../support/smtp.ts';

/** A drill of a running Holdpoint: a real SMTP server, a real webhook, and the terminal. */
let mail: MailWorld;
let hook: HookServer;
beforeAll(async () => {
  hook = await startHookServer();
  mail = await startMailWorld({
    env: { WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
    webhooks: [{ url: `${hook.url}/hook`, secret: 'env:WEBHOOK_SECRET', events: ['review.*'] }],
  });
});
afterAll(async () => {
  await mail?.close();
  await hook?.close();
});

test('reaches everyone by mail and webhook, says that it is one, and reports who answered', async () => {
  const { world } = mail;
  const started = await runCli(world, 'ops-1', ['drill', 'ops', '--ttl', '30m']);
  expect(started.code).toBe(0);
  const { reviewId, members } = started.json as { reviewId: string; members: readonly string[] };
  expect(members).toContain('ops-1');
  expect(members.length).toBeGreaterThan(1);

  for (const member of members) {
    const [first] = (await mail.mails(member, reviewId)) as readonly [ReceivedMail];
    expect(first.parsed.subject).toBe('Answer needed: Drill for ops: please answer. Nothing will happen.');
    expect(first.parsed.text).toContain('This is a drill: nothing will happen.');
    // It leads to the review, and decides nothing by itself.
    expect(linksOf(first).map((link) => new URL(link).pathname)).toEqual([`/reviews/${reviewId}`]);
  }
  const told = await until(
    () => hook.calls.find(({ body }) => body.type === 'review.pending' && body.data['reviewId'] === reviewId),
    { what: 'the webhook of the drill' },
  );
  expect(told.body.data).toMatchObject({ drill: true, kind: 'in-flow', tool: 'drill.answer' });

  const digest = (await world.review(reviewId)).call.digest ?? '';
  await world.decide(reviewId, { digest });
  const report = async (): Promise<DrillReport> =>
    (await runCli(world, 'ops-2', ['drill', 'report', reviewId])).json as unknown as DrillReport;
  const first = await until(
    async () => {
      const found = await report();
      return found.members.every(({ notices }) => notices.some(({ state }) => state === 'delivered'))
        ? found
        : undefined;
    },
    { what: 'a delivered mail for each member' },
  );
  expect(first.endedAt).toBeNull();
  expect(first.members.map(({ answer }) => answer?.channel ?? null)).toEqual(
    members.map((member) => (member === 'ops-1' ? 'api' : null)),
  );
  expect(first.notices).toMatchObject([{ state: 'delivered' }]);

  // One answer did not end it; the last one does.
  for (const member of members.filter((id) => id !== 'ops-1')) {
    await world.decide(reviewId, { digest }, member as 'ops-2');
  }
  const last = await report();
  expect(last).toMatchObject({ status: 'approved', startedBy: 'ops-1' });
  expect(last.members.filter(({ answer }) => answer === null)).toEqual([]);
  expect((await world.entries(reviewId)).map(({ type }) => type)).toEqual([
    'proposed',
    'classified',
    ...members.map(() => 'decided'),
  ]);
});

test('ends by itself, with those named who did not answer', async () => {
  const { world } = mail;
  const waited = await runCli(world, 'finance-1', ['drill', 'finance', '--ttl', '3s', '--wait', '1m']);
  expect(waited.code).toBe(1);
  const report = waited.json as unknown as DrillReport;
  expect(report.status).toBe('expired');
  expect(report.members.every(({ answer }) => answer === null)).toBe(true);
});

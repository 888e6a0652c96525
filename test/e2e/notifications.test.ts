import { verifyWebhook } from '../../src/client/index.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { freePort } from '../support/ports.ts';
import { newRef, startWorld, until, type World } from '../support/e2e-world.ts';
import { startHookServer, type HookCall, type HookServer } from '../support/hook-server.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

let world: World;
let hook: HookServer;
/** Nobody listens here but in the test that begins to. */
let deadPort: number;
beforeAll(async () => {
  hook = await startHookServer();
  deadPort = await freePort();
  world = await startWorld({
    env: { WEBHOOK_SECRET: SECRET },
    config: {
      callbacks: [`${hook.url}/agents/`],
      notifications: {
        webhooks: [
          { url: `${hook.url}/hook`, secret: 'env:WEBHOOK_SECRET', events: ['review.*', 'execution.*'] },
          { url: `http://127.0.0.1:${deadPort}/late`, secret: 'env:WEBHOOK_SECRET', events: ['review.resolved'] },
        ],
      },
    },
    policy: {
      approvals: [
        {
          match: 'tool == "bank.brief"',
          levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }],
          ttl: '8s',
          remind: ['5s'],
          escalate: { after: '2s', to: ['finance'] },
        },
        { match: 'true', levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }], ttl: '1h' },
      ],
    },
  });
});
afterAll(async () => {
  await world?.close();
  await hook?.close();
});

const toldOf = (reviewId: string, path = '/hook') =>
  hook.calls.filter((call) => call.path.startsWith(path) && call.body.data['reviewId'] === reviewId);
const once = (calls: readonly HookCall[]) => [...new Map(calls.map((call) => [call.id, call])).values()];
const eventsOf = (reviewId: string) => once(toldOf(reviewId)).map(({ body }) => body.type);
const untilTold = (reviewId: string, event: string, path?: string) =>
  until(() => toldOf(reviewId, path).find(({ body }) => body.type === event), {
    what: `${event} of ${reviewId}`,
    withinMs: 90_000,
  });

describe('webhooks', () => {
  test('a call from its proposal to its execution, in the order of the log, signed', async () => {
    const { reviewId } = await world.hold('bank.pay', { ref: newRef('told') });
    await world.decide(reviewId, {});
    await untilTold(reviewId, 'execution.executed');
    expect(eventsOf(reviewId)).toEqual([
      'review.pending',
      'review.decided',
      'review.resolved',
      'execution.started',
      'execution.executed',
    ]);
    const sequences = once(hook.calls.filter(({ path }) => path === '/hook')).map(({ body }) =>
      Number(body.data['sequence']),
    );
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    for (const { text, headers } of toldOf(reviewId)) new Webhook(SECRET).verify(text, headers);
    const listed = await world.get(`/v1/deliveries?reviewId=${reviewId}&state=delivered`, 'audit-1');
    expect((listed.body['deliveries'] as readonly unknown[]).length).toBe(5);
  });

  test('a target that was away holds nobody up, and is told when it comes', async () => {
    const { reviewId } = await world.hold('bank.pay', { ref: newRef('late') });
    await world.decide(reviewId, { type: 'reject', comment: 'no' });
    await untilTold(reviewId, 'review.resolved');
    const late = await startHookServer(deadPort);
    try {
      await until(() => late.calls.find(({ body }) => body.data['reviewId'] === reviewId), {
        what: 'the late target',
        withinMs: 150_000,
      });
      const sequences = once(late.calls).map(({ body }) => Number(body.data['sequence']));
      expect(sequences.length).toBeGreaterThanOrEqual(2);
      expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    } finally {
      await late.close();
    }
  });

  test('reminder, escalation and expiry come from the record', async () => {
    const { reviewId } = await world.hold('bank.brief', { ref: newRef('brief') });
    await untilTold(reviewId, 'review.resolved');
    expect(eventsOf(reviewId)).toEqual(['review.pending', 'review.escalated', 'review.reminder', 'review.resolved']);
    const notified = (await world.entries(reviewId)).filter(({ type }) => type === 'notified');
    expect(notified).toMatchObject([
      { event: 'escalated', recipients: ['ops', 'finance'] },
      { event: 'reminder', recipients: ['ops', 'finance'] },
    ]);
  });

  test('killed while the target hangs: told again after the start, in order', async () => {
    hook.answer = 'hang';
    const first = await world.hold('bank.pay', { ref: newRef('killed') });
    await untilTold(first.reviewId, 'review.pending');
    const second = await world.hold('bank.pay', { ref: newRef('killed') });
    await world.decide(second.reviewId, { type: 'reject', comment: 'no' });
    await world.holdpoint.kill();
    hook.answer = 204;
    await world.holdpoint.start();
    await untilTold(second.reviewId, 'review.resolved');
    const ids = toldOf(first.reviewId).map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(1);
    expect(eventsOf(second.reviewId)).toEqual(['review.pending', 'review.decided', 'review.resolved']);
  });
});

describe('callbacks', () => {
  const verified = async (reviewId: string) => {
    const call = await untilTold(reviewId, 'review.final', '/agents/');
    const { body } = await world.get('/v1/callback-keys', 'agent-1');
    const [key] = body['keys'] as readonly { readonly publicKey: string }[];
    const secrets = key?.publicKey ?? '';
    const { payload } = await verifyWebhook<HookCall['body']>({ body: call.text, headers: call.headers }, { secrets });
    return payload.data;
  };
  const callback = () => ({ callback: `${hook.url}/agents/a?run=1` });

  test('an edited call tells what really ran, a rejected one the reviewer’s words; each once', async () => {
    const ref = newRef('edited');
    const edited = await world.hold('bank.pay', { ref, amount: 9 }, callback());
    await world.decide(edited.reviewId, { type: 'edit', arguments: { ref, amount: 3 } });
    expect(await verified(edited.reviewId)).toMatchObject({
      status: 'approved',
      call: { arguments: { amount: 3 } },
      execution: { status: 'executed', edited: true, body: { paid: true } },
    });
    const refused = await world.hold('bank.pay', { ref: newRef('refused') }, callback());
    await world.decide(refused.reviewId, { type: 'reject', comment: 'not this month' });
    expect(await verified(refused.reviewId)).toMatchObject({
      status: 'rejected',
      resolution: { type: 'reject', comment: 'not this month', retryable: false },
      evidence: [],
    });
    for (const { reviewId } of [edited, refused]) expect(once(toldOf(reviewId, '/agents/'))).toHaveLength(1);
  });

  test('only where the configuration allows', async () => {
    const answer = await world.execute(
      'bank.pay',
      { ref: newRef('away') },
      { callback: `${hook.url}/agents/..%2fadmin` },
    );
    expect(answer).toMatchObject({ status: 400, body: { code: 'callback_not_allowed' } });
  });
});

test('the same call after its rejection is answered with it, across the whole of Holdpoint', async () => {
  const call = { ref: newRef('again'), amount: 7 };
  const review = await world.hold('bank.pay', call);
  await world.decide(review.reviewId, { type: 'reject', comment: 'never' });
  const again = await world.execute('bank.pay', call);
  expect(again).toMatchObject({
    status: 403,
    body: { outcome: 'BLOCKED', reviewId: review.reviewId, comment: 'never', retryable: false },
  });
});

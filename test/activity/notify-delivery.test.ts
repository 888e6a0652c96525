import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCallbackChannel } from '../../src/activities/notify/channels/callback/channel.ts';
import type { Batch, Channel, Delivered } from '../../src/activities/notify/channel.ts';
import {
  createDeliverer,
  deliverNext,
  type Deliverer,
  type DeliverDeps,
  type Round,
} from '../../src/activities/notify/deliver.ts';
import { fanOut } from '../../src/activities/notify/fan-out.ts';
import type { SlackPost } from '../../src/activities/notify/channels/slack/api.ts';
import { createSlackChannel } from '../../src/activities/notify/channels/slack/channel.ts';
import { createWebhookChannel } from '../../src/activities/notify/channels/webhook/channel.ts';
import { createSendPost } from '../../src/cli/compose/send.ts';
import { noProxy } from '../../src/domain/proxy.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { Review } from '../../src/contract/review.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Database } from '../../src/storage/database/database.ts';
import type { Settings } from '../../src/domain/policy/settings.ts';
import { startHookServer, type HookServer } from '../support/hook-server.ts';
import { AT, DIGEST, proposedEntry, reviewIdOf, reviewOf, stateWrite } from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const HOUR = 3_600_000;

onEveryDatabase((engine) => {
  let store: Store;
  let database: Database;
  let hook: HookServer;
  let settings: Settings;
  let mails: Batch[];
  let mailAnswer: Delivered;
  let slackTexts: string[];
  let slackPost: SlackPost;
  let now: number;
  const key = generateKeyPairSync('ed25519');

  beforeEach(async () => {
    ({ store, database } = await engine.fresh());
    hook = await startHookServer();
    mails = [];
    mailAnswer = { kind: 'delivered' };
    slackTexts = [];
    slackPost = takeSlack;
    now = Date.now();
    configure({ webhooks: [{ url: `${hook.url}/hook`, secret: 'env:SECRET', events: ['review.*'] }] });
  });
  afterEach(() => hook.close());

  function configure(notifications: Settings['notifications'], more: Partial<Settings> = {}): void {
    settings = {
      reviewers: [
        { id: 'ops-1', groups: ['ops'], email: 'ops-1@example.com' },
        { id: 'ops-2', groups: ['ops'], email: 'ops-2@example.com', notify: 'digest' },
        { id: 'ops-3', groups: ['ops'], email: 'ops-3@example.com', notify: 'off' },
      ],
      deploymentId: 'test',
      callbacks: [],
      publicUrl: null,
      notifications,
      ...more,
    } as unknown as Settings;
  }
  const takeSlack: SlackPost = async ({ body }) => {
    slackTexts.push(body);
    return { kind: 'answer', status: 200, body: 'ok', retryAfter: null };
  };
  const mailsOnly = (perReviewer = 20) =>
    configure({
      email: { mode: 'per-event', from: 'a@example.com', smtp: 'env:SMTP' },
      rateLimit: { perReviewer, per: '1h' },
    });

  function deps(): DeliverDeps {
    const source = { current: () => settings, problem: () => null };
    const common = { settings: source, post: createSendPost(noProxy), now: () => now };
    const email: Channel = {
      name: 'email',
      deliver: async (batch) => {
        mails.push(batch);
        return mailAnswer;
      },
    };
    return {
      store,
      settings: source,
      clock: { now: () => now },
      channels: {
        webhook: createWebhookChannel({ ...common, resolve: () => SECRET }),
        callback: createCallbackChannel({ ...common, key: () => key.privateKey }),
        email,
        slack: createSlackChannel({
          settings: source,
          post: (request) => slackPost(request),
          resolve: () => 'https://slack.example.com/hook',
          memory: { get: store.deliveries.recall, put: store.deliveries.remember } as never,
          fallbackUrl: null,
          now: () => now,
        }),
      },
    };
  }

  /** Follows the log; answers where something waits. */
  const follow = async () => {
    await fanOut({ store, settings: deps().settings });
    return (await store.deliveries.due(100)).toSorted();
  };
  /** One round after the other until one says anything but `more`. */
  async function deliver(destination: string, signal = new AbortController().signal): Promise<Round> {
    for (;;) {
      const round = await deliverNext(deps(), destination, signal);
      if (round.kind !== 'more') return round;
    }
  }
  const classified = (reviewId: string): AuditEntry => ({
    schemaVersion: 1,
    deploymentId: 'test',
    at: AT,
    type: 'classified',
    reviewId,
    revision: 1,
    class: 'irreversible',
    gate: 'hard',
    status: 'pending',
    reasonCodes: [],
    digest: DIGEST,
    policyDigest: DIGEST,
    override: false,
  });
  const propose = (reviewId: string, over: Partial<Review> = {}) =>
    store.commit({
      entries: [proposedEntry(reviewId), classified(reviewId)],
      // Nobody is called by name to what has expired.
      review: stateWrite(reviewOf(reviewId, { expiresAt: '2999-01-01T00:00:00.000Z', ...over })),
    });
  const expire = (reviewId: string, over: Partial<Review> = {}) =>
    store.commit({
      entries: [{ schemaVersion: 1, deploymentId: 'test', at: AT, type: 'expired', reviewId, expiresAt: AT }],
      review: stateWrite(reviewOf(reviewId, { status: 'expired', level: 0, ...over })),
    });
  const webhook = () => `webhook:${hook.url}/hook`;
  const sequences = () => hook.calls.map(({ body }) => body.data['sequence']);
  const states = async (destination: string) =>
    (await store.deliveries.list({ destination }))?.deliveries.map(({ state, code }) => [state, code]).toReversed();

  describe('webhooks', () => {
    it('tell what the log says from their first sight of it on, in order, signed', async () => {
      await propose(reviewIdOf(1));
      expect(await follow()).toEqual([]);
      await propose(reviewIdOf(2));
      await expire(reviewIdOf(2));
      await propose(reviewIdOf(3));
      expect(await follow()).toEqual([webhook()]);
      expect(await deliver(webhook())).toEqual({ kind: 'idle' });
      // The state is the one of now: review 2 has expired when its opening is told.
      expect(hook.calls.map(({ body }) => [body.type, body.data['status']])).toEqual([
        ['review.pending', 'expired'],
        ['review.resolved', 'expired'],
        ['review.pending', 'pending'],
      ]);
      expect(sequences()).toEqual([3, 4, 6]);
      for (const { text, headers, body } of hook.calls) expect(new Webhook(SECRET).verify(text, headers)).toEqual(body);
      expect(new Set(hook.calls.map(({ id }) => id)).size).toBe(3);
    });

    it('a target that fails, redirects or hangs is told the same again, and what came later after it', async () => {
      await follow();
      await propose(reviewIdOf(1));
      await propose(reviewIdOf(2));
      await follow();
      for (const [n, status] of [500, 301, 404, 429].entries()) {
        hook.answer = status;
        expect(await deliver(webhook())).toEqual({ kind: 'wait', ms: 1_000 * 2 ** n, code: 'answered' });
      }
      hook.answer = 'hang';
      const soon = AbortSignal.timeout(300);
      expect(await deliver(webhook(), soon)).toEqual({ kind: 'wait', ms: 16_000, code: 'no_answer' });
      hook.answer = 204;
      expect(await deliver(webhook())).toEqual({ kind: 'idle' });
      expect(sequences()).toEqual([1, 1, 1, 1, 1, 1, 3]);
      expect(new Set(hook.calls.slice(0, 6).map(({ id }) => id)).size).toBe(1);
      expect(hook.calls.some(({ path }) => path !== '/hook')).toBe(false);
      const page = await store.deliveries.list({ destination: webhook() });
      expect(page?.deliveries.map(({ attempts, httpStatus }) => [attempts, httpStatus])).toEqual([
        [1, 204],
        [6, 204],
      ]);
    });

    it('a receiver that says when to come again is heeded, within ten minutes', async () => {
      await follow();
      await propose(reviewIdOf(1));
      await follow();
      hook.answer = 429;
      const pauses: (number | undefined)[] = [];
      // A date has whole seconds.
      now = Math.ceil(now / 1_000) * 1_000;
      for (const value of ['120', new Date(now + 45_000).toUTCString(), '86400', '0', '-5', 'soon', undefined]) {
        hook.retryAfter = value;
        const round = await deliver(webhook());
        pauses.push(round.kind === 'wait' ? round.ms : undefined);
      }
      // Back-off, up to a minute, where it says nothing.
      expect(pauses).toEqual([120_000, 45_000, 600_000, 8_000, 16_000, 32_000, 60_000]);
      hook.answer = 204;
      expect(await deliver(webhook())).toEqual({ kind: 'idle' });
      expect(new Set(hook.calls.map(({ id }) => id)).size).toBe(1);
    });

    it('410 ends it: nothing is sent any more until somebody starts the worker anew', async () => {
      await follow();
      for (const n of [1, 2]) await propose(reviewIdOf(n));
      await follow();
      hook.answer = 410;
      expect(await deliver(webhook())).toEqual({ kind: 'idle' });
      expect(await states(webhook())).toEqual([
        ['failed', 'gone'],
        ['skipped', 'disabled'],
      ]);
      await propose(reviewIdOf(3));
      expect(await follow()).toEqual([]);
      hook.answer = 204;
      await store.deliveries.enable([webhook()]);
      await propose(reviewIdOf(4));
      await follow();
      await deliver(webhook());
      expect(sequences()).toEqual([1, 7]);
    });

    it('three days late is given up one by one, and the next is tried', async () => {
      await follow();
      for (const n of [1, 2]) await propose(reviewIdOf(n));
      await follow();
      hook.answer = 500;
      now += 73 * HOUR;
      expect(await deliver(webhook())).toEqual({ kind: 'idle' });
      expect(await states(webhook())).toEqual([
        ['failed', 'answered'],
        ['failed', 'answered'],
      ]);
    });

    it('one that is not configured any more is told nothing, and a name with a private address is refused', async () => {
      await follow();
      await propose(reviewIdOf(1));
      await follow();
      const was = webhook();
      const url = `${hook.url.replace('127.0.0.1', 'localtest.example.com')}/hook`;
      configure({ webhooks: [{ url, secret: 'env:SECRET', events: ['*'] }] });
      expect(await deliver(was)).toEqual({ kind: 'idle' });
      expect(await states(was)).toEqual([['skipped', 'not_configured']]);
      expect(hook.calls).toEqual([]);
      const post = { url: `${hook.url}/hook`, headers: {}, body: '{}', signal: AbortSignal.timeout(5_000) };
      const guarded = await createSendPost(noProxy)({ ...post, allowPrivateAddresses: false });
      expect(guarded).toEqual({ kind: 'not_sent', code: 'target_refused' });
    });
  });

  describe('following the log', () => {
    it('several workers write each notice once', async () => {
      await follow();
      for (let n = 0; n < 20; n += 1) await propose(reviewIdOf(n));
      await Promise.all([follow(), follow(), follow()]);
      await deliver(webhook());
      expect(sequences()).toEqual(Array.from({ length: 20 }, (_, n) => n * 2 + 1));
    });

    it('with nobody to tell it reads nothing and stays at the end', async () => {
      configure(undefined);
      for (let n = 0; n < 3; n += 1) await propose(reviewIdOf(n));
      await follow();
      expect(await store.deliveries.cursor()).toBe(6);
    });

    it('one deliverer at a time', async () => {
      const { deliveries } = store;
      expect(await deliveries.lease('slack', 'a', 60_000)).toBe(true);
      expect(await deliveries.lease('slack', 'b', 60_000)).toBe(false);
      expect(await deliveries.lease('slack', 'a', 60_000)).toBe(true);
      await deliveries.release('slack', 'b', 0);
      expect(await deliveries.lease('slack', 'b', 60_000)).toBe(false);
      await deliveries.release('slack', 'a', 0);
      expect(await deliveries.lease('slack', 'b', 1)).toBe(true);
      await expect.poll(() => deliveries.lease('slack', 'c', 60_000), { timeout: 10_000 }).toBe(true);
      // Until a pause is over, nobody has it.
      await deliveries.release('slack', 'c', 60_000);
      expect(await deliveries.lease('slack', 'd', 60_000)).toBe(false);
    });
  });

  describe('a deliverer', () => {
    let deliverers: Deliverer[];
    let other: HookServer;
    const errors: unknown[] = [];
    const start = (own: Partial<DeliverDeps> = {}): Deliverer => {
      const deliverer = createDeliverer({ ...deps(), ...own }, (error) => errors.push(error));
      deliverers.push(deliverer);
      return deliverer;
    };
    /** The pauses and leases that there are end now. */
    const passTime = () =>
      database.query(`UPDATE holdpoint.destinations SET lease_until = now() - interval '1 second'`);
    const waiting = async () => (await store.deliveries.list({ state: 'waiting' }))?.deliveries.length;
    const idsOf = ({ calls }: HookServer) => calls.map(({ id }) => id);
    beforeEach(async () => {
      deliverers = [];
      errors.length = 0;
      other = await startHookServer();
      const webhooks = [hook, other].map(({ url }) => ({ url: `${url}/hook`, secret: 'env:S', events: ['review.*'] }));
      configure({ webhooks });
      await follow();
    });
    afterEach(async () => {
      await Promise.all(deliverers.map((deliverer) => deliverer.stop()));
      await other.close();
      if (errors.length > 0) throw new AggregateError(errors);
    });

    it('tries again by itself, in order, while another destination goes on', async () => {
      hook.answer = 503;
      for (const n of [1, 2]) await propose(reviewIdOf(n));
      await follow();
      await start().look();
      await expect.poll(() => other.calls.length, { timeout: 30_000 }).toBe(2);
      await expect.poll(() => hook.calls.length, { timeout: 30_000 }).toBeGreaterThan(2);
      expect(new Set(idsOf(hook)).size).toBe(1);
      hook.answer = 204;
      await expect.poll(waiting, { timeout: 60_000 }).toBe(0);
      expect(new Set(idsOf(hook))).toEqual(new Set(idsOf(other)));
    });

    it('that is killed between telling and noting it loses nothing; that one notice is told twice, with one id', async () => {
      for (let n = 0; n < 3; n += 1) await propose(reviewIdOf(n));
      await follow();
      // The first is told in full. Of the second, the target has the message, and nothing is written any more.
      let told = 0;
      const dead: DeliverDeps['store'] = {
        ...store,
        deliveries: {
          ...store.deliveries,
          release: () => new Promise(() => {}),
          settle: (...args) => ((told += 1) === 1 ? store.deliveries.settle(...args) : new Promise(() => {})),
        },
      };
      configure({ webhooks: [{ url: `${hook.url}/hook`, secret: 'env:S', events: ['review.*'] }] });
      const killed = createDeliverer({ ...deps(), store: dead }, () => {});
      await killed.look();
      await expect.poll(() => hook.calls.length, { timeout: 30_000 }).toBe(2);
      const next = start();
      await next.look();
      // Its lease holds still.
      expect(hook.calls).toHaveLength(2);
      await passTime();
      await next.look();
      await expect.poll(() => hook.calls.length, { timeout: 30_000 }).toBe(4);
      const [first, second, again, third] = idsOf(hook);
      expect(again).toBe(second);
      expect(new Set([first, second, third]).size).toBe(3);
      expect(await states(webhook())).toEqual(Array.from({ length: 3 }, () => ['delivered', null]));
    });

    it('beside others at work on the same database, tells everything once', async () => {
      for (let n = 0; n < 20; n += 1) await propose(reviewIdOf(n));
      await follow();
      await Promise.all([start(), start(), start()].map((deliverer) => deliverer.look()));
      await expect.poll(waiting, { timeout: 60_000 }).toBe(0);
      for (const target of [hook, other]) {
        expect(target.calls).toHaveLength(20);
        expect(new Set(idsOf(target)).size).toBe(20);
      }
    });

    it('that is stopped ends its attempts and lets others go on', async () => {
      hook.answer = 'hang';
      await propose(reviewIdOf(1));
      await follow();
      const stopped = start();
      await stopped.look();
      await expect.poll(() => hook.calls.length, { timeout: 30_000 }).toBe(1);
      await stopped.stop();
      hook.answer = 204;
      await passTime();
      await start().look();
      await expect.poll(waiting, { timeout: 30_000 }).toBe(0);
      expect(new Set(idsOf(hook)).size).toBe(1);
    });
  });

  describe('people', () => {
    it('I1: are told with a review of an equal one that waits; machines are not', async () => {
      const webhooks = [{ url: `${hook.url}/hook`, secret: 'env:SECRET', events: ['review.*'] }];
      configure({ webhooks, email: { mode: 'per-event', from: 'a@example.com', smtp: 'env:SMTP' } });
      await follow();
      for (const n of [1, 2]) {
        const { proposer } = reviewOf(reviewIdOf(n));
        await store.proposedCalls.note(proposer.id, { call: 'call', intent: 'intent' }, reviewIdOf(n), 1, AT);
        await propose(reviewIdOf(n));
      }
      await follow();
      await deliver('email:ops-1');
      await deliver(webhook());
      expect(mails.map(({ notices: [first] }) => first.review.related)).toMatchObject([
        [{ reviewId: reviewIdOf(2), relation: 'equal', mustConfirm: false }],
        [{ reviewId: reviewIdOf(1), relation: 'equal', mustConfirm: true }],
      ]);
      expect(hook.calls).toHaveLength(2);
      for (const { text } of hook.calls) expect(text).not.toContain('related');
    });

    it('hear alone, in digests or not at all, as each of them wants', async () => {
      mailsOnly();
      await follow();
      for (const n of [1, 2]) await propose(reviewIdOf(n));
      expect(await follow()).toEqual(['email:ops-1', 'email:ops-2']);
      for (const name of ['email:ops-1', 'email:ops-2', 'email:ops-3'])
        expect(await deliver(name)).toEqual({ kind: 'idle' });
      expect(mails.map(({ recipient, form, notices }) => [recipient?.id, form, notices.length])).toEqual([
        ['ops-1', 'each', 1],
        ['ops-1', 'each', 1],
        ['ops-2', 'digest', 2],
      ]);
    });

    it('beyond the rate limit all that waits comes as one message, an hour after the first', async () => {
      mailsOnly(2);
      await follow();
      await propose(reviewIdOf(0));
      await follow();
      await deliver('email:ops-1');
      for (let n = 1; n < 10; n += 1) await propose(reviewIdOf(n));
      await follow();
      await deliver('email:ops-1');
      expect(mails.map(({ form, notices }) => [form, notices.length])).toEqual([
        ['each', 1],
        ['digest', 9],
      ]);
      for (let n = 10; n < 13; n += 1) await propose(reviewIdOf(n));
      await follow();
      expect(await deliver('email:ops-1')).toMatchObject({ kind: 'wait' });
      expect(mails).toHaveLength(2);
      now += HOUR + 60_000;
      await deliver('email:ops-1');
      expect(mails.map(({ notices }) => notices.length)).toEqual([1, 9, 3]);
    });

    it('are not called to what is over, and a review that expires is told to its owner and its approvers', async () => {
      mailsOnly();
      await follow();
      await propose(reviewIdOf(1), { proposer: { id: 'agent', owner: 'ops-2', attested: true } });
      await follow();
      await expire(reviewIdOf(1), { proposer: { id: 'agent', owner: 'ops-2', attested: true } });
      await follow();
      for (const name of ['email:ops-1', 'email:ops-2']) await deliver(name);
      expect(mails.map(({ recipient, notices }) => [recipient?.id, notices.map(({ event }) => event)])).toEqual([
        ['ops-1', ['review.resolved']],
        ['ops-2', ['review.resolved']],
      ]);
      expect(await states('email:ops-1')).toEqual([
        ['skipped', 'moot'],
        ['delivered', null],
      ]);
    });

    it('a mail server that is away means late, and holds up nobody else', async () => {
      const webhooks = [{ url: `${hook.url}/hook`, secret: 'env:SECRET', events: ['review.*'] }];
      configure({ webhooks, email: { mode: 'per-event', from: 'a@example.com', smtp: 'env:SMTP' } });
      await follow();
      await propose(reviewIdOf(1));
      await follow();
      mailAnswer = { kind: 'retry', code: 'unreachable', afterMs: 5_000 };
      expect(await deliver('email:ops-1')).toEqual({ kind: 'wait', ms: 5_000, code: 'unreachable' });
      expect(await deliver(webhook())).toEqual({ kind: 'idle' });
      expect(hook.calls).toHaveLength(1);
      now += HOUR;
      mailAnswer = { kind: 'delivered' };
      expect(await deliver('email:ops-1')).toEqual({ kind: 'idle' });
      expect(mails.map(({ id }) => id)).toEqual(['evt_test_1_0', 'evt_test_1_0']);
    });
  });

  describe('one person, by mail and by name in Slack', () => {
    const everyWay = (perReviewer: number) =>
      configure(
        {
          email: { mode: 'per-event', from: 'a@example.com', smtp: 'env:SMTP' },
          slack: { mode: 'per-event', webhook: 'env:SLACK', signingSecret: 'env:S' },
          rateLimit: { perReviewer, per: '1h' },
        },
        {
          reviewers: [
            { id: 'ops-1', groups: ['ops'], email: 'ops-1@example.com', slack: 'U0OPS1' },
            { id: 'ops-2', groups: ['ops'], slack: 'U0OPS2' },
            { id: 'ops-3', groups: ['ops'], email: 'ops-3@example.com' },
          ],
          policy: { findTool: () => undefined },
          agents: [],
        } as unknown as Partial<Settings>,
      );
    const isNamed = (user: string) => slackTexts.map((text) => text.includes(`<@${user}>`));
    const mailsTo = (reviewer: string) => mails.filter(({ recipient }) => recipient?.id === reviewer);

    it('is told no more often than the limit; the channel and who is reached in one way only are as ever', async () => {
      everyWay(2);
      await follow();
      for (const n of [1, 2]) {
        await propose(reviewIdOf(n));
        await follow();
        await deliver('slack');
        await deliver('email:ops-1');
        await deliver('email:ops-3');
      }
      // A mention and a mail are two: the second message is there, and names others only.
      expect(isNamed('U0OPS1')).toEqual([true, false]);
      expect(isNamed('U0OPS2')).toEqual([true, true]);
      expect(mailsTo('ops-1')).toHaveLength(1);
      expect(mailsTo('ops-3')).toHaveLength(2);
      expect(await deliver('email:ops-1')).toMatchObject({ kind: 'wait' });
      now += HOUR + 60_000;
      expect(await deliver('email:ops-1')).toEqual({ kind: 'idle' });
      expect(mailsTo('ops-1').map(({ notices }) => notices.length)).toEqual([1, 1]);
    });

    it('a mention that is being sent counts at once, and one that did not get through does not', async () => {
      everyWay(2);
      await follow();
      await propose(reviewIdOf(1));
      await follow();
      const meanwhile: Round[] = [];
      slackPost = async () => {
        meanwhile.push(await deliver('email:ops-1'));
        await propose(reviewIdOf(2));
        await follow();
        meanwhile.push(await deliver('email:ops-1'));
        return { kind: 'lost' };
      };
      expect(await deliverNext(deps(), 'slack', new AbortController().signal)).toMatchObject({
        kind: 'wait',
        ms: 1_000,
      });
      // What is known in half a minute is not waited for an hour.
      expect(meanwhile).toEqual([{ kind: 'idle' }, { kind: 'wait', ms: 30_000 }]);
      expect(await deliver('email:ops-1')).toEqual({ kind: 'idle' });
      expect(mailsTo('ops-1')).toHaveLength(2);
      slackPost = takeSlack;
      await deliver('slack');
      expect(isNamed('U0OPS1')).toEqual([false, false]);
      expect(isNamed('U0OPS2')).toEqual([true, true]);
    });

    it('both ways at work at once do not add up to more than the limit', async () => {
      everyWay(5);
      await follow();
      const work = async (destination: string): Promise<void> => {
        for (;;) {
          await store.deliveries.lease(destination, 'test', 60_000);
          const round = await deliverNext(deps(), destination, new AbortController().signal);
          if (round.kind !== 'more') return;
        }
      };
      for (let n = 0; n < 5; n += 1) {
        await propose(reviewIdOf(n));
        await follow();
        await Promise.all([work('slack'), work('email:ops-1')]);
      }
      expect(slackTexts).toHaveLength(5);
      const mentions = isNamed('U0OPS1').filter(Boolean).length;
      expect(mentions).toBeGreaterThan(0);
      expect(mentions + mailsTo('ops-1').length).toBeLessThanOrEqual(5);
    });
  });

  describe('callbacks', () => {
    const reviewId = reviewIdOf(1);
    const destination = `callback:${reviewId}`;
    const finish = (late = false): Promise<unknown> =>
      store.commit({
        entries: [
          {
            schemaVersion: 1,
            deploymentId: 'test',
            at: AT,
            type: 'finished',
            reviewId,
            status: 'executed',
            errorCode: null,
            resultDigest: null,
            late,
          },
        ],
        review: {
          kind: 'execution',
          reviewId,
          execution: { status: 'executed', body: { id: 7 }, error: null, startedAt: AT, finishedAt: AT },
        },
      });
    const approved = (callback: string): Partial<Review> => ({
      status: 'approved',
      level: 0,
      callback,
      resolution: { type: 'approve', by: 'ops-1', comment: null, edited: true, retryable: false },
    });

    it('tell the agent its final state once: what ran, that it was edited, and no evidence', async () => {
      configure(undefined, { callbacks: [`${hook.url}/agents/`] });
      await propose(reviewId, approved(`${hook.url}/agents/a?thread=1`));
      expect(await follow()).toEqual([]);
      await finish();
      await finish(true);
      expect(await follow()).toEqual([destination]);
      hook.answer = 503;
      expect(await deliver(destination)).toMatchObject({ kind: 'wait', ms: 1_000 });
      hook.answer = 200;
      expect(await deliver(destination)).toEqual({ kind: 'idle' });
      expect(await deliver(destination)).toEqual({ kind: 'idle' });
      expect(hook.calls.map(({ path, id }) => [path, id])).toEqual([
        ['/agents/a?thread=1', `evt_test_${reviewId}`],
        ['/agents/a?thread=1', `evt_test_${reviewId}`],
      ]);
      const { body, text, headers, id } = hook.calls[0] as (typeof hook.calls)[number];
      expect(body).toMatchObject({
        type: 'review.final',
        data: {
          reviewId,
          evidence: [],
          execution: { status: 'executed', edited: true, body: { id: 7 } },
          call: { digest: null },
        },
      });
      const signature = Buffer.from((headers['webhook-signature'] ?? '').replace('v1a,', ''), 'base64');
      const signed = Buffer.from(`${id}.${headers['webhook-timestamp']}.${text}`);
      const publicKey = createPublicKey(key.publicKey.export({ type: 'spki', format: 'pem' }));
      expect(verify(null, signed, publicKey, signature)).toBe(true);
    });

    it('go nowhere that the configuration does not allow now, and to nobody who was not attested', async () => {
      configure(undefined, { callbacks: [`${hook.url}/others/`] });
      await propose(reviewId, approved(`${hook.url}/agents/a`));
      const unattested = { id: 'temporal:x', owner: null, attested: false };
      await propose(reviewIdOf(2), { callback: `${hook.url}/others/a`, proposer: unattested });
      await finish();
      await expire(reviewIdOf(2), { callback: `${hook.url}/others/a`, proposer: unattested });
      expect(await follow()).toEqual([destination]);
      expect(await deliver(destination)).toEqual({ kind: 'idle' });
      expect(await states(destination)).toEqual([['failed', 'callback_not_allowed']]);
      expect(hook.calls).toEqual([]);
    });
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deliverNext, type Round } from '../../src/activities/notify/deliver.ts';
import { fanOut } from '../../src/activities/notify/fan-out.ts';
import { createSlackChannel } from '../../src/activities/notify/channels/slack/channel.ts';
import { sendToSlack } from '../../src/cli/compose/send.ts';
import type { ReviewId } from '../../src/contract/ids.ts';
import type { Review } from '../../src/contract/review.ts';
import type { Store } from '../../src/ports/store.ts';
import { actionOf, readButtonValue } from '../../src/domain/slack/message.ts';
import { makeFixture, TOOLS, type GateFixture } from '../support/gate-fixture.ts';
import { makeJourneys, type ProposeOptions } from '../support/gate-journey.ts';
import { writeSecondVersion } from '../support/second-version.ts';
import { startSlack, type SlackStub } from '../support/slack.ts';
import { stateWrite } from '../support/storage-fixtures.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { memoryStore } from '../support/databases.ts';

const BASE = 'https://holdpoint.example.com';
const CONFIRM = { ...ONE_OF_OPS, slackDecision: 'confirm' } as const;
const BOT = { mode: 'per-event', token: 'env:SLACK_BOT_TOKEN', channel: 'C0CHANNEL', signingSecret: 'env:S' } as const;
const WEBHOOK = { mode: 'per-event', webhook: 'env:SLACK_WEBHOOK_URL', signingSecret: 'env:S' } as const;
const HOSTILE = '<!channel> <@U0SOMEBODY> <https://evil.example.com|fine> @everyone *bold* `code` ``` \u202e\u200b&lt;';

let store: Store;
let slack: SlackStub;
let gate: GateFixture;

beforeAll(async () => {
  store = await memoryStore();
});
afterAll(() => store.close());
beforeEach(async () => {
  slack = await startSlack();
  gate = await makeFixture({ store, policy: { approval: CONFIRM }, now: () => Date.now() });
  // What earlier tests left is nobody's any more.
  configure(undefined);
  await follow();
  await deliver();
  configure(BOT);
  await follow();
});
afterEach(() => slack.stop());

function configure(config: typeof BOT | typeof WEBHOOK | undefined): void {
  gate.settings.update({
    reviewers: [
      { id: 'ops-1', groups: ['ops'], slack: 'U0OPS1' },
      { id: 'finance-1', groups: ['finance'], slack: 'U0FIN1' },
      { id: 'manager-1', groups: ['managers'], slack: 'U0MAN1' },
    ],
    publicUrl: BASE,
    notifications: config === undefined ? undefined : { slack: config, rateLimit: { perReviewer: 1_000, per: '1h' } },
  });
}
const follow = () => fanOut({ store, settings: gate.settings });
const propose = (account = 'a-1', options: ProposeOptions = {}) =>
  makeJourneys(gate).open('payouts.create', { account, amount: 100 }, options);

const channel = () =>
  createSlackChannel({
    settings: gate.settings,
    post: sendToSlack,
    resolve: (reference) =>
      ({ 'env:SLACK_BOT_TOKEN': slack.token, 'env:SLACK_WEBHOOK_URL': slack.webhookUrl })[reference],
    memory: { get: store.deliveries.recall, put: store.deliveries.remember } as never,
    fallbackUrl: null,
    now: gate.clock.now,
    apiUrl: slack.apiUrl,
  });

async function deliver(): Promise<Round> {
  await follow();
  for (;;) {
    const deps = { store, settings: gate.settings, channels: { slack: channel() }, clock: gate.clock };
    const round = await deliverNext(deps, 'slack', new AbortController().signal);
    if (round.kind !== 'more') return round;
  }
}
/** Ends as it does where nobody decides. */
async function endReview(reviewId: string): Promise<void> {
  const review = (await store.readReview(reviewId as ReviewId))?.review as Review;
  const { deploymentId } = review;
  const at = new Date(gate.clock.now()).toISOString();
  await store.commit({
    key: `${reviewId}:ended`,
    entries: [{ schemaVersion: 1, deploymentId, at, type: 'expired', reviewId, expiresAt: at }],
    review: stateWrite({ ...review, status: 'expired', level: 0, allowedDecisions: [], resolvedAt: at }),
  });
}
const EXECUTING = { status: 'executing', error: null, startedAt: null, finishedAt: null } as const;
/** The last yes; the call has not been claimed. */
async function approve(reviewId: string): Promise<void> {
  const review = (await store.readReview(reviewId as ReviewId))?.review as Review;
  const at = new Date(gate.clock.now()).toISOString();
  const approved = { status: 'approved', allowedDecisions: ['reject'], level: 0, resolvedAt: at } as const;
  await note(reviewId, stateWrite({ ...review, ...approved, allowedDecisions: ['reject'] }));
}
/** Something happens that Slack is told of. */
async function note(reviewId: string, review?: ReturnType<typeof stateWrite>): Promise<void> {
  const at = new Date(gate.clock.now()).toISOString();
  const { deploymentId } = gate.settings.current();
  const entry = {
    schemaVersion: 1,
    deploymentId,
    at,
    type: 'withdrawn',
    reviewId,
    by: 'x',
    envelopeDigest: null,
  } as const;
  await store.commit({ entries: [entry], ...(review === undefined ? {} : { review }) });
  await deliver();
}
// oxlint-disable-next-line typescript/no-explicit-any -- JSON as it came
type Part = any;
const only = () => {
  expect(slack.messages.size).toBe(1);
  return [...slack.messages.values()][0] as Part;
};
const buttonsOf = (blocks: readonly Part[]): readonly Part[] =>
  blocks.filter(({ type }) => type === 'actions').flatMap(({ elements }) => elements as Part[]);

describe('a message about a review, with a bot token', () => {
  test('shows call, evidence and words, calls those who may vote, and binds its buttons to the digest', async () => {
    const { reviewId, digest } = await propose('acct-77', { request: { reason: 'The supplier asked for it.' } });
    expect(await deliver()).toEqual({ kind: 'idle' });
    const message = only();
    const text = JSON.stringify(message.blocks);
    for (const part of ['payouts.create', 'acct-77', 'The supplier asked for it.', '<@U0OPS1>']) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('U0FIN1');
    expect(text.indexOf('acct-77')).toBeLessThan(text.indexOf('The supplier asked for it.'));
    const buttons = buttonsOf(message.blocks);
    expect(buttons.map(({ action_id: id }) => id as string)).toEqual(
      expect.arrayContaining([actionOf('approve'), actionOf('reject')]),
    );
    for (const { value } of buttons.filter(({ url }) => url === undefined)) {
      expect(readButtonValue(value as string)).toEqual({ review: reviewId, digest });
    }
    expect(buttons.find(({ url }) => url !== undefined)?.url).toBe(`${BASE}/reviews/${reviewId}`);
  });

  test('calls those it escalates to when it escalates, and not hours before', async () => {
    gate.settings.setPolicy({ approval: { ...CONFIRM, escalate: { afterMs: 3_600_000, to: ['managers'] } } });
    const { reviewId } = await propose();
    await deliver();
    expect(JSON.stringify([...slack.messages.values()])).not.toContain('U0MAN1');
    const at = new Date(gate.clock.now() + 3_600_000).toISOString();
    const entry = { schemaVersion: 1, deploymentId: gate.settings.current().deploymentId, at, reviewId } as const;
    await store.commit({
      entries: [{ ...entry, type: 'notified', event: 'escalated', channel: 'log', recipients: [] }],
    });
    await deliver();
    expect(JSON.stringify(slack.requests.at(-1))).toContain('<@U0MAN1>');
  });

  test('another version: what changed, Holdpoint’s own evidence, the call, and then the agent’s words', async () => {
    const { reviewId } = await propose('acct-old', { request: { reason: 'Said by the agent.' } });
    await deliver();
    const at = new Date(gate.clock.now()).toISOString();
    await writeSecondVersion(store, reviewId, { arguments: { account: 'acct-new', amount: 100 }, rows: 4_711, at });
    expect(await deliver()).toEqual({ kind: 'idle' });
    const [message] = [...slack.messages.values()] as Part[];
    const text = JSON.stringify(message.blocks).replaceAll('\\"', '"');
    expect(text).toMatch(/- +"account": "acct-old"/);
    expect(text).toMatch(/\+ +"account": "acct-new"/);
    const places = ['acct-old', 'Checked by Holdpoint', '4,711', 'exactly will happen', 'own words', 'Said by'].map(
      (part) => text.indexOf(part),
    );
    expect(places.every((place, index) => place > (places[index - 1] ?? -1))).toBe(true);
  });

  test('a comparison that does not fit is cut, and the message leads to the page', async () => {
    const { reviewId } = await propose('acct-old');
    await deliver();
    const at = new Date(gate.clock.now()).toISOString();
    const note = 'x'.repeat(3_000);
    await writeSecondVersion(store, reviewId, { arguments: { account: 'a', amount: 100, note }, rows: 1, at });
    await deliver();
    const [message] = [...slack.messages.values()] as Part[];
    expect(JSON.stringify(message.blocks)).toContain('Cut here');
    expect(buttonsOf(message.blocks).filter(({ value }) => value !== undefined)).toEqual([]);
  });

  test.each([
    ['sign-in', true],
    ['off', false],
  ] as const)('where policy says %s, no button decides', async (slackDecision, leadsToReview) => {
    gate.settings.setPolicy({ approval: { ...ONE_OF_OPS, slackDecision } });
    await propose();
    await deliver();
    const buttons = buttonsOf(only().blocks);
    expect(buttons.filter(({ value }) => value !== undefined)).toEqual([]);
    expect(buttons.some(({ url }) => url !== undefined)).toBe(leadsToReview);
  });

  test('what does not fit is cut, says so, and is decided on the page', async () => {
    await propose('x'.repeat(60_000));
    expect(await deliver()).toEqual({ kind: 'idle' });
    const { blocks } = only();
    const buttons = buttonsOf(blocks);
    expect(buttons.map(({ url }) => url !== undefined)).toEqual([true]);
    expect(JSON.stringify(blocks)).toContain('Cut here');
  });

  describe.each([
    ['a bot token', BOT],
    ['a webhook', WEBHOOK],
  ] as const)('through %s', (_name, config) => {
    beforeEach(() => {
      configure(config);
      const request = { method: 'POST', path: '/payouts', body: 'arguments' } as const;
      const tools = [...TOOLS, { name: 'payouts.note', class: 'irreversible', connector: 'payouts', request } as const];
      gate.settings.setPolicy({ tools });
    });
    const posted = () => slack.requests.at(-1)?.body.blocks as readonly Part[];
    const lines = (count: number, text = 'a\nb') =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`note_${index}`, text]));

    test('W5: 18 arguments of two lines fit, with whoever is called first and what can be done last', async () => {
      await makeJourneys(gate).open('payouts.note', lines(18));
      await deliver();
      expect(posted().length).toBeLessThanOrEqual(50);
      expect(JSON.stringify(posted()[0])).toContain('<@U0OPS1>');
      expect(JSON.stringify(posted())).toContain('note_17, line by line');
      expect(JSON.stringify(posted())).not.toContain('Cut here');
      const deciding = buttonsOf(posted()).map(({ action_id: id }) => id as string);
      expect(deciding).toEqual(expect.arrayContaining([actionOf('approve'), actionOf('reject')]));
    });

    test.each([
      ['more blocks than a message takes', lines(200)],
      ['more characters than a message takes', lines(30, `${'x'.repeat(1_900)}\ny`)],
      ['one text that is far too long', lines(1, 'x\n'.repeat(60_000))],
    ])('W5: of %s the middle is cut, never the people who are called or the way to the page', async (_what, args) => {
      await makeJourneys(gate).open('payouts.note', args);
      await deliver();
      const blocks = posted();
      expect(blocks.length).toBeLessThanOrEqual(50);
      expect(JSON.stringify(blocks[0])).toContain('<@U0OPS1>');
      expect(JSON.stringify(blocks).length).toBeLessThan(20_000);
      const end = blocks.slice(-3);
      expect(JSON.stringify(end)).toContain('Cut here');
      expect(JSON.stringify(end)).toContain('Decide on the review’s page');
      expect(buttonsOf(end).map(({ url }) => String(url).startsWith(BASE))).toEqual([true]);
    });

    test('W5: calling 400 people takes as many sections as their mentions need', async () => {
      const people = Array.from({ length: 400 }, (_, index) => `U0OPS${String(index).padStart(5, '0')}`);
      gate.settings.update({
        reviewers: people.map((id) => ({ id, groups: ['ops'], slack: id })),
        notifications: { slack: config, rateLimit: { perReviewer: 1_000, per: '1h' } },
      });
      await makeJourneys(gate).open('payouts.note', lines(200));
      await deliver();
      const sections = posted().filter(({ text }) => text?.type === 'mrkdwn');
      expect(sections.every(({ text }) => String(text.text).length <= 3_000)).toBe(true);
      const said = sections.map(({ text }) => String(text.text)).join(' ');
      expect(people.filter((id) => !said.includes(`<@${id}>`))).toEqual([]);
      expect(posted().length).toBeLessThanOrEqual(50);
      expect(buttonsOf(posted().slice(-1))).toHaveLength(1);
    });
  });

  test('what an agent writes is text: nobody is called, nothing is a link, nothing is invisible', async () => {
    await propose(HOSTILE, { request: { reason: HOSTILE } });
    await deliver();
    const message = only();
    expect(message.text).not.toContain('<!channel>');
    // Slack reads mrkdwn alone for mentions and links, and none of it is the agent's.
    const read: string[] = [];
    JSON.stringify(message.blocks, (_key, value: unknown) => {
      if (typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'mrkdwn') {
        read.push((value as { text: string }).text);
      }
      return value;
    });
    expect(read).toEqual(['<@U0OPS1>']);
    const links = JSON.stringify(message.blocks).match(/"type":"link"/g);
    expect(links).toBeNull();
    const text = JSON.stringify(message.blocks);
    expect(text).toContain('<!channel>');
    expect(text).not.toMatch(/[\u202e\u200b]/);
  });

  test('changes with the review, and has no buttons at the end', async () => {
    const { reviewId } = await propose();
    await deliver();
    await endReview(reviewId);
    expect(await deliver()).toEqual({ kind: 'idle' });
    const message = only();
    expect(buttonsOf(message.blocks).filter(({ value }) => value !== undefined)).toEqual([]);
    expect(message.text.startsWith('Expired')).toBe(true);
    expect(slack.requests.at(-1)?.path).toBe('/api/chat.update');
  });

  test('of an approved call offers to stop it until it has been claimed, and nothing else', async () => {
    const { reviewId } = await propose();
    await deliver();
    await approve(reviewId);
    await deliver();
    const deciding = () => buttonsOf(only().blocks).filter(({ value }) => value !== undefined);
    expect(deciding().map(({ action_id: id }) => id as string)).toEqual([actionOf('reject')]);
    // A freeze is what it may be waiting for, and takes the button from nobody.
    gate.settings.update({ freeze: ['payouts.*'] });
    await note(reviewId);
    expect(deciding()).toHaveLength(1);
    await store.commit({ entries: [], review: { kind: 'execution', reviewId, execution: EXECUTING } });
    await note(reviewId);
    expect(deciding()).toEqual([]);
  });

  test('limits, outages and refusals of Slack come again; what it will never take does not', async () => {
    await propose();
    slack.failNext({ status: 429, retryAfter: '7' });
    expect(await deliver()).toEqual({ kind: 'wait', code: 'rate_limited', ms: 7_000 });
    slack.failNext({ status: 503 });
    expect(await deliver()).toMatchObject({ kind: 'wait', code: 'answered' });
    slack.failNext({ status: 200, body: { ok: false, error: 'not_in_channel' } });
    expect(await deliver()).toMatchObject({ kind: 'wait', code: 'not_in_channel' });
    slack.failNext({ status: 200, body: { ok: false, error: 'invalid_blocks' } });
    expect(await deliver()).toEqual({ kind: 'idle' });
    expect(slack.messages.size).toBe(0);
  });

  test('a message that somebody deleted is not missed at the end', async () => {
    const { reviewId } = await propose();
    await deliver();
    slack.forget([...slack.messages.keys()][0] as string);
    await endReview(reviewId);
    expect(await deliver()).toEqual({ kind: 'idle' });
    expect(slack.messages.size).toBe(0);
  });

  test('a digest is one message with a line for each review', async () => {
    const ids = [(await propose('a-1')).reviewId, (await propose('a-2')).reviewId];
    const notices = await Promise.all(
      [...ids, ids[0] as string].map(async (reviewId, sequence) => {
        const review = (await store.readReview(reviewId as ReviewId))?.review as Review;
        const at = review.proposedAt;
        return { id: `evt_${sequence}`, sequence, event: 'review.pending' as const, at, review, vote: null };
      }),
    );
    const [first, ...rest] = notices as [(typeof notices)[number], ...typeof notices];
    const result = await channel().deliver({
      destination: 'slack',
      recipient: null,
      form: 'digest',
      mentioned: [],
      notices: [first, ...rest],
      id: first.id,
      signal: new AbortController().signal,
    });
    expect(result).toEqual({ kind: 'delivered' });
    const lines = (only().text as string).split('\n').slice(1);
    expect(lines.map((line) => ids.findIndex((id) => line.includes(id)))).toEqual([0, 1]);
  });
});

describe('through an incoming webhook', () => {
  beforeEach(() => configure(WEBHOOK));

  test('asks with buttons, and says at the end how it ended', async () => {
    const { reviewId } = await propose('acct-88');
    await deliver();
    expect(slack.requests.map(({ path }) => path)).toEqual(['/webhook']);
    const [asked] = slack.requests;
    expect(asked?.authorization).toBeUndefined();
    expect(buttonsOf(asked?.body.blocks).length).toBeGreaterThan(1);
    await endReview(reviewId);
    expect(await deliver()).toEqual({ kind: 'idle' });
    expect(slack.requests).toHaveLength(2);
    expect(slack.requests[1]?.body.text).toContain(reviewId);
    expect(slack.requests[1]?.body.blocks).toBeUndefined();
  });
});

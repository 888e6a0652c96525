import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ReviewerConfig } from '../../src/contract/config.ts';
import type { ReviewId } from '../../src/contract/ids.ts';
import type { Review } from '../../src/contract/review.ts';
import { StorageError, type Store } from '../../src/ports/store.ts';
import { actionOf, OPEN_ACTION, writeButtonValue, type SlackDecision } from '../../src/domain/slack/message.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { pressBody, problemOf, signAsSlack } from '../support/slack.ts';
import { codeOf, makeHarness, type Harness, type HarnessOptions } from './support/harness.ts';

const SECRET = 'a-signing-secret-of-slack';
const CONFIRM = { ...ONE_OF_OPS, slackDecision: 'confirm' } as const;
const NOTIFICATIONS = {
  slack: { mode: 'per-event', webhook: 'env:SLACK_WEBHOOK_URL', signingSecret: 'env:SLACK_SIGNING_SECRET' },
} as const;
const SLACK_IDS: Readonly<Record<string, string>> = { 'ops-1': 'U0OPS1', 'ops-2': 'T0OTHER/U0OPS2' };
const PATH = '/v1/slack/interactions';

let api: Harness;
let start: number;
let reviewers: readonly ReviewerConfig[];
/** What was sent to `response_url`s, and which secrets were asked for. */
// oxlint-disable-next-line typescript/no-explicit-any -- JSON as it was sent
let answers: { readonly url: string; readonly body: any }[];
let asked: string[];
const SLACK_APP: NonNullable<HarnessOptions['app']> = {
  answerSlack: async (url, body) => {
    answers.push({ url, body });
    return true;
  },
  resolveReference: (reference) => {
    asked.push(reference);
    return SECRET;
  },
};
beforeAll(async () => {
  api = await makeHarness({ app: SLACK_APP });
  start = api.clock.now();
  reviewers = api.settings
    .current()
    .reviewers.map((reviewer) =>
      SLACK_IDS[reviewer.id] === undefined ? reviewer : { ...reviewer, slack: SLACK_IDS[reviewer.id] as string },
    );
});
beforeEach(() => {
  answers = [];
  asked = [];
  api.clock.set(start);
  api.gate.mode = 'working';
  api.gate.executes = true;
  api.settings.setPolicy({ approval: CONFIRM });
  api.settings.update({ notifications: NOTIFICATIONS, reviewers, freeze: [] });
});
afterAll(() => api.close());

const post = (raw: string, headers: Record<string, string>) => api.send('POST', PATH, undefined, { raw, headers });
const valueOf = (review: Review, digest = review.call.digest ?? '') =>
  writeButtonValue({ review: review.reviewId, digest });

type Press = Partial<Parameters<typeof pressBody>[0]>;
async function press(review: Review, decision: SlackDecision, more: Press = {}) {
  const body = pressBody({ action: actionOf(decision), value: valueOf(review), user: 'U0OPS1', ...more });
  return post(body, signAsSlack(body, SECRET, api.clock.now()));
}
/** What the person who pressed is told: the code of a refusal, or `recorded`. */
async function told(at = 0): Promise<string> {
  await expect.poll(() => answers.length, { timeout: 20_000 }).toBeGreaterThan(at);
  const { body } = answers[at] as (typeof answers)[number];
  expect(body).toMatchObject({ response_type: 'ephemeral', replace_original: false });
  return /\(([a-z_]+)\)\./.exec(body.text as string)?.[1] ?? 'recorded';
}
const stateOf = async (review: Review) => (await api.get(`/v1/reviews/${review.reviewId}`, 'ops-1')).body as Review;

describe('deciding with a button', () => {
  test('I1: a yes to a call that ran already is refused: twice is said on the page', async () => {
    const twice = { context: { slack: 'twice' } };
    const first = await api.propose(twice);
    await api.decide(first.reviewId, first.call.digest);
    const second = await api.propose(twice);
    await press(second, 'approve');
    expect(await told()).toBe('repeat_not_confirmed');
    expect((await stateOf(second)).status).toBe('pending');
  });

  test('a yes is recorded in the name of the person who pressed, with channel and method slack', async () => {
    const review = await api.propose();
    const reply = await press(review, 'approve', { comment: 'fine' });
    expect([reply.status, reply.body]).toEqual([200, '']);
    expect(await told()).toBe('recorded');
    const after = await stateOf(review);
    expect(after.status).toBe('approved');
    expect(after.levels[0]?.decisions).toMatchObject([
      { type: 'approve', reviewer: 'ops-1', channel: 'slack', comment: 'fine' },
    ]);
    const { payload } = api.gate.signals.at(-1)?.envelope ?? { payload: '' };
    expect(JSON.parse(Buffer.from(payload, 'base64').toString())).toMatchObject({
      reviewer: { id: 'ops-1', method: 'slack' },
      channel: 'slack',
      digest: review.call.digest,
    });
    expect(asked).toContain('env:SLACK_SIGNING_SECRET');
    expect(asked).not.toContain('env:SLACK_WEBHOOK_URL');
  });

  test.each([
    ['reject', 'rejected'],
    ['revise', 'changes_requested'],
  ] as const)('%s takes a comment; without one nothing is decided', async (decision, status) => {
    const review = await api.propose();
    await press(review, decision);
    expect(await told()).toBe('comment_required');
    expect((await stateOf(review)).status).toBe('pending');
    await press(review, decision, { comment: 'Not this one' });
    expect(await told(1)).toBe('recorded');
    expect((await stateOf(review)).status).toBe(status);
  });

  test('where only a webhook posts, the message is replaced at the end; with a bot the gate worker does it', async () => {
    const review = await api.propose();
    await press(review, 'approve');
    await expect.poll(() => answers.length, { timeout: 20_000 }).toBe(2);
    const replacement = answers[1]?.body as Record<string, unknown>;
    expect(replacement['replace_original']).toBe(true);
    expect(problemOf(replacement)).toBeUndefined();
    expect(JSON.stringify(replacement)).not.toContain(actionOf('approve'));

    const bot = { ...NOTIFICATIONS.slack, token: 'env:SLACK_BOT_TOKEN', channel: 'C0CHANNEL' };
    api.settings.update({ notifications: { slack: bot } });
    const other = await api.propose({ arguments: { account: 'a-2', amount: 100 } });
    await press(other, 'approve');
    expect(await told(2)).toBe('recorded');
    expect((await stateOf(other)).status).toBe('approved');
    expect(answers).toHaveLength(3);
  });

  test.each([
    ['somebody whom the config does not know', { user: 'U0NOBODY' }, 'unknown_person'],
    ['the same id in another team', { user: 'U0OPS1', userTeam: 'T0OTHER' }, 'unknown_person'],
    ['an id of another team, said without it', { user: 'U0OPS2' }, 'unknown_person'],
    ['C5: the same id in another organization', { user: 'U0OPS1', userTeam: 'E0OTHER' }, 'unknown_person'],
    ['an answer that changed meanwhile', { value: 'stale' }, 'digest_mismatch'],
  ] as const)('%s decides nothing', async (_who, more, code) => {
    const review = await api.propose();
    const stale = 'value' in more ? { value: valueOf(review, `sha256:${'0'.repeat(64)}`) } : more;
    await press(review, 'approve', stale);
    expect(await told()).toBe(code);
    expect((await stateOf(review)).status).toBe('pending');
  });

  test('a guest of another team, named with that team', async () => {
    const review = await api.propose();
    await press(review, 'approve', { user: 'U0OPS2', userTeam: 'T0OTHER' });
    expect(await told()).toBe('recorded');
    expect((await stateOf(review)).levels[0]?.decisions[0]?.reviewer).toBe('ops-2');
  });

  test('C5: on Enterprise Grid the team of a person is the organization', async () => {
    const own = await api.propose();
    await press(own, 'approve', { user: 'U0OPS1', userTeam: 'E0ORG', organization: 'E0ORG' });
    expect(await told()).toBe('recorded');
    const named = reviewers.map((one) => (one.id === 'ops-2' ? { ...one, slack: 'E0ORG/W0OPS2' } : one));
    api.settings.update({ reviewers: named });
    for (const organization of ['E0ORG', undefined]) {
      const review = await api.propose({ arguments: { account: organization ?? 'elsewhere', amount: 100 } });
      answers = [];
      await press(review, 'approve', { user: 'W0OPS2', userTeam: 'E0ORG', organization });
      expect(await told()).toBe('recorded');
      expect((await stateOf(review)).levels[0]?.decisions[0]?.reviewer).toBe('ops-2');
    }
  });

  test.each(['sign-in', 'off'] as const)('policy in force says %s: nothing is decided', async (slackDecision) => {
    const review = await api.propose();
    api.settings.setPolicy({ approval: { ...CONFIRM, slackDecision } });
    await press(review, 'approve');
    expect(await told()).toBe('sign_in_required');
    expect((await stateOf(review)).status).toBe('pending');
    // An old button of a message, while changes are asked for.
    await api.decide(review.reviewId, review.call.digest, { type: 'revise', comment: 'less' });
    await press(review, 'reject', { comment: 'no' });
    expect(await told()).toBe('sign_in_required');
    expect((await stateOf(review)).status).toBe('changes_requested');
  });

  test('stopping an approved call takes what any decision takes, and works under a freeze', async () => {
    const review = await api.propose();
    api.gate.executes = false;
    await api.decide(review.reviewId, review.call.digest, {}, 'ops-2');
    api.settings.setPolicy({ approval: { ...CONFIRM, slackDecision: 'sign-in' } });
    await press(review, 'reject', { comment: 'wait' });
    expect(await told()).toBe('sign_in_required');
    api.settings.setPolicy({ approval: CONFIRM });
    api.settings.update({ freeze: ['payouts.*'] });
    await press(review, 'reject');
    expect(await told(1)).toBe('recorded');
    expect(await api.store.objections.ofReview(review.reviewId as ReviewId, 5)).toHaveLength(1);
  });

  test('a reviewer moved out of the group loses the vote at once', async () => {
    const review = await api.propose();
    api.settings.update({
      reviewers: reviewers.map((reviewer) => (reviewer.id === 'ops-1' ? { ...reviewer, groups: [] } : reviewer)),
    });
    await press(review, 'approve');
    expect(await told()).toBe('not_an_approver');
  });

  test('late, and twice: a plain answer', async () => {
    const review = await api.propose();
    await press(review, 'approve');
    expect(await told()).toBe('recorded');
    await expect.poll(() => answers.length, { timeout: 20_000 }).toBe(2);
    await press(review, 'reject', { comment: 'too late' });
    expect(await told(2)).toBe('already_started');
    expect((await stateOf(review)).status).toBe('approved');
  });
});

describe('what is not from Slack', () => {
  test('is refused: no signature, another secret, another body, another version', async () => {
    const review = await api.propose();
    const body = pressBody({ action: actionOf('approve'), value: valueOf(review), user: 'U0OPS1' });
    const good = signAsSlack(body, SECRET, api.clock.now());
    const { 'x-slack-signature': signature = '', ...unsigned } = good;
    const requests: [string, Record<string, string>][] = [
      [body, unsigned],
      [body, signAsSlack(body, 'another secret', api.clock.now())],
      [`${body}&x=1`, good],
      [body.replace('U0OPS1', 'U0OPS2'), good],
      [body, { ...good, 'x-slack-signature': signature.replace('v0=', 'v1=') }],
      [body, { ...good, 'x-slack-signature': '' }],
      [body, { ...good, 'x-slack-request-timestamp': '0x10' }],
    ];
    for (const [raw, headers] of requests) {
      const reply = await post(raw, headers);
      expect(codeOf(reply)).toBe('unauthenticated');
    }
    expect((await stateOf(review)).status).toBe('pending');
    expect(answers).toEqual([]);
  });

  test.each([
    ['five minutes and a second old', -301_000, 401],
    ['of five minutes from now and more', 301_000, 401],
    ['almost five minutes old', -295_000, 200],
  ])('a request %s', async (_age, shift, status) => {
    const review = await api.propose();
    const body = pressBody({ action: OPEN_ACTION, user: 'U0OPS1', comment: review.reviewId });
    expect((await post(body, signAsSlack(body, SECRET, api.clock.now() + shift))).status).toBe(status);
  });

  test('a body is read only with a signature that could hold, and no further than a press can be', async () => {
    const long = 'x'.repeat(300_000);
    expect(codeOf(await post(long, {}))).toBe('unauthenticated');
    expect(codeOf(await post(long, signAsSlack(long, SECRET, api.clock.now() - 301_000)))).toBe('unauthenticated');
    expect(codeOf(await post(long, signAsSlack(long, SECRET, api.clock.now())))).toBe('payload_too_large');
  });

  test('the same request again is refused', async () => {
    const review = await api.propose();
    const body = pressBody({ action: actionOf('approve'), value: valueOf(review), user: 'U0NOBODY' });
    const headers = signAsSlack(body, SECRET, api.clock.now());
    expect((await post(body, headers)).status).toBe(200);
    expect(codeOf(await post(body, headers))).toBe('unauthenticated');
    expect(await told()).toBe('unknown_person');
  });

  test('nor by another api process on the same database, or the same one after a restart', async () => {
    const review = await api.propose();
    const body = pressBody({ action: actionOf('approve'), value: valueOf(review), user: 'U0NOBODY' });
    const headers = signAsSlack(body, SECRET, api.clock.now());
    expect((await post(body, headers)).status).toBe(200);
    const other = await makeHarness({ store: api.store, app: SLACK_APP });
    try {
      other.settings.update({ notifications: NOTIFICATIONS, reviewers });
      const send = (raw: string, signed: Record<string, string>) =>
        other.send('POST', PATH, undefined, { raw, headers: signed });
      expect(codeOf(await send(body, headers))).toBe('unauthenticated');
      const later = signAsSlack(body, SECRET, api.clock.now() + 1_000);
      expect((await send(body, later)).status).toBe(200);
    } finally {
      await other.close();
    }
    expect(await told(1)).toBe('unknown_person');
  });

  test('where the database cannot say whether it was here before, nothing is taken', async () => {
    const store: Store = {
      ...api.store,
      sessions: {
        ...api.store.sessions,
        useOnce: async () => {
          throw new StorageError('database_unavailable', 'away');
        },
      },
    };
    const review = await api.propose();
    const other = await makeHarness({ store, app: SLACK_APP });
    try {
      other.settings.update({ notifications: NOTIFICATIONS, reviewers });
      const body = pressBody({ action: actionOf('approve'), value: valueOf(review), user: 'U0OPS1' });
      const headers = signAsSlack(body, SECRET, api.clock.now());
      const reply = await other.send('POST', PATH, undefined, { raw: body, headers });
      expect([reply.status, codeOf(reply)]).toEqual([503, 'database_unavailable']);
      expect(answers).toEqual([]);
      expect((await stateOf(review)).status).toBe('pending');
    } finally {
      await other.close();
    }
  });

  test('without Slack in the config there is no such door', async () => {
    api.settings.update({ notifications: undefined });
    const body = pressBody({ action: OPEN_ACTION, user: 'U0OPS1' });
    expect(codeOf(await post(body, signAsSlack(body, SECRET, api.clock.now())))).toBe('not_found');
  });

  test('answers go to Slack alone, whatever the payload says', async () => {
    const review = await api.propose();
    await press(review, 'approve', { responseUrl: 'http://127.0.0.1:9/steal' });
    await expect.poll(async () => (await stateOf(review)).status, { timeout: 20_000 }).toBe('approved');
    expect(answers).toEqual([]);
  });

  test.each([
    ['no payload', 'x=1', 400],
    ['no JSON', 'payload=%7B', 400],
    ['a value that is not ours', undefined, 400],
    ['a link button, which decides nothing', pressBody({ action: OPEN_ACTION, user: 'U0OPS1' }), 200],
  ])('signed, and %s', async (_what, given, status) => {
    const body = given ?? pressBody({ action: actionOf('approve'), value: '{"review":1}', user: 'U0OPS1' });
    expect((await post(body, signAsSlack(body, SECRET, api.clock.now()))).status).toBe(status);
    expect(answers).toEqual([]);
  });
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { actionOf, readButtonValue } from '../../src/domain/slack/message.ts';
import { startWorld, type World } from '../support/e2e-world.ts';
import { pressBody, signAsSlack, startSlack, type SlackStub } from '../support/slack.ts';

const SECRET = 'a-signing-secret-of-slack';
const PATH = '/v1/slack/interactions';
const WITHIN = { timeout: 60_000 };

let world: World;
let slack: SlackStub;

beforeAll(async () => {
  slack = await startSlack();
  world = await startWorld({
    env: { SLACK_WEBHOOK_URL: slack.webhookUrl, SLACK_SIGNING_SECRET: SECRET },
    policy: {
      approvals: [
        {
          match: 'true',
          levels: [{ name: 'approval', approvers: ['ops'], quorum: 1 }],
          slackDecision: 'confirm',
        },
      ],
    },
  });
  const { config } = world.deployment;
  world.deployment.writeConfig({
    ...config,
    reviewers: (config.reviewers ?? []).map((reviewer) =>
      reviewer.id === 'ops-1' ? { ...reviewer, slack: 'U0OPS1' } : reviewer,
    ),
    notifications: {
      slack: { mode: 'per-event', webhook: 'env:SLACK_WEBHOOK_URL', signingSecret: 'env:SLACK_SIGNING_SECRET' },
    },
  });
});
afterAll(async () => {
  await world?.close();
  await slack?.stop();
});

const press = (raw: string, headers: Readonly<Record<string, string>>) =>
  world.send('POST', PATH, { raw, headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } });

test('a review is told in Slack, and the button that comes with it decides', async () => {
  // Without Slack in the config there is no such door: once there is, the file is in force.
  await expect.poll(async () => (await press('', {})).status, WITHIN).toBe(401);
  const review = await world.hold('bank.pay', { ref: 'slack-1', amount: 7 });
  const posted = () => slack.requests.find(({ body }) => JSON.stringify(body).includes(review.reviewId));
  await expect.poll(() => posted() !== undefined, WITHIN).toBe(true);
  const blocks = (posted()?.body.blocks ?? []) as { elements?: { action_id?: string; value?: string }[] }[];
  const elements = blocks.flatMap((block) => block.elements ?? []);
  const approve = elements.find((element) => element.action_id === actionOf('approve'));
  expect(readButtonValue(approve?.value ?? '')).toEqual({ review: review.reviewId, digest: review.call.digest });

  const body = pressBody({
    action: actionOf('approve'),
    value: approve?.value ?? '',
    user: 'U0OPS1',
    // Nothing of this test goes out to the real one.
    responseUrl: 'http://127.0.0.1:9/',
  });
  expect((await press(body, signAsSlack(body, 'another secret', Date.now()))).status).toBe(401);
  expect((await press(body, signAsSlack(body, SECRET, Date.now()))).status).toBe(200);
  const settled = await world.settled(review.reviewId);
  expect(settled).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  expect(settled.levels[0]?.decisions).toMatchObject([{ type: 'approve', reviewer: 'ops-1', channel: 'slack' }]);
  // How it ended is told too.
  const ended = () => slack.requests.filter(({ body: { text } }) => String(text).includes(review.reviewId)).length;
  await expect.poll(ended, WITHIN).toBeGreaterThan(0);
});

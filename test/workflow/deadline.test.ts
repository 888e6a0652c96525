import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GateActivities } from '../../src/activities/api.ts';
import { timeSkippingServer } from '../support/servers.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';
import { create, HOUR, plan } from './plans.ts';

let env: TestWorkflowEnvironment;
let gate: Harness;

let databaseIsDown = false;

const wrap = (activities: GateActivities): GateActivities => ({
  ...activities,
  admit: async (input) => {
    if (databaseIsDown) throw new Error('down');
    return await activities.admit(input);
  },
  record: async (input) => {
    if (databaseIsDown) throw new Error('down');
    return await activities.record(input);
  },
});

beforeAll(async () => {
  env = await timeSkippingServer();
  gate = await startHarness(env, { wrap });
});
afterAll(async () => {
  await gate?.stop();
  await env?.teardown();
});
beforeEach(() => {
  gate.settings.setPolicy({ approval: ONE_OF_OPS });
});
afterEach(() => {
  databaseIsDown = false;
});

async function pending(approval = ONE_OF_OPS) {
  gate.settings.setPolicy({ approval });
  const started = await gate.start(create());
  const review = await gate.untilStatus(started.reviewId, 'pending');
  return { ...started, startedAt: Date.parse(review.proposedAt), expiresAt: Date.parse(review.expiresAt ?? '') };
}

const ESCALATING = plan({ remindBeforeMs: [4 * HOUR, HOUR], escalate: { afterMs: 10 * HOUR, to: ['managers'] } });

it('a deadline beyond what one timer can wait is waited for in several', async () => {
  const longest = 2 ** 31 - 1;
  const { handle, startedAt, expiresAt } = await pending(plan({ expireAfterMs: 365 * 24 * HOUR }));
  expect((await handle.result()).status).toBe('expired');
  expect(expiresAt - startedAt).toBe(365 * 24 * HOUR);
  const { events } = await handle.fetchHistory();
  const waits = (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
    timer ? [Number(timer.startToFireTimeout?.seconds ?? 0) * 1_000] : [],
  );
  expect(waits.length).toBeGreaterThan(14);
  expect(Math.max(...waits)).toBeLessThanOrEqual(longest);
});

describe('reminders and escalation', () => {
  it('come at their times, to those who may vote then, and once each', async () => {
    const { reviewId, handle, startedAt, expiresAt } = await pending(ESCALATING);
    expect(expiresAt - startedAt).toBe(24 * HOUR);
    expect((await handle.result()).status).toBe('expired');
    const due = await gate.remindersOf(reviewId);
    expect(due.map(({ event, recipients }) => [event, recipients])).toEqual([
      ['escalated', ['ops', 'managers']],
      ['reminder', ['ops', 'managers']],
      ['reminder', ['ops', 'managers']],
    ]);
    const hours = due.map(({ at }) => Math.floor((Date.parse(at) - startedAt) / HOUR));
    expect(hours).toEqual([10, 20, 23]);
  });

  it('escalation lets others vote from then on, and not before', async () => {
    const { reviewId, handle } = await pending(ESCALATING);
    await env.sleep(9 * HOUR);
    expect(await gate.decide(reviewId, { reviewer: 'manager-1' })).toBe('not_an_approver');
    await env.sleep(2 * HOUR);
    expect(await gate.decide(reviewId, { reviewer: 'manager-1' })).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
  });
});

describe('the deadline', () => {
  it('a yes that came in time counts, although the database was away until after the deadline', async () => {
    const { reviewId, handle } = await pending();
    await env.sleep(23.5 * HOUR);
    databaseIsDown = true;
    const { decisionUlid, envelope } = await gate.signDecision(reviewId);
    await gate.signal(reviewId, 'decision', envelope);
    await gate.query(reviewId);
    await env.sleep(0.75 * HOUR);
    expect((await gate.query(reviewId)).receipts).not.toHaveProperty(decisionUlid);
    databaseIsDown = false;
    expect(await handle.result()).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
    expect((await gate.query(reviewId)).receipts[decisionUlid]).toBe('accepted');
  });

  it('◆ two days without a database leave a history far below what the server allows', async () => {
    const { reviewId, handle } = await pending();
    databaseIsDown = true;
    const { envelope } = await gate.signDecision(reviewId, { type: 'reject' });
    await gate.signal(reviewId, 'decision', envelope);
    await gate.query(reviewId);
    await env.sleep(48 * HOUR);
    expect((await gate.query(reviewId)).review?.status).toBe('pending');
    databaseIsDown = false;
    expect((await handle.result()).status).toBe('rejected');
    // The server terminates a workflow at 51,200 events.
    expect((await handle.fetchHistory()).events?.length).toBeLessThan(5_000);
  });

  it('never moves later, whatever happens in between', async () => {
    const { reviewId, handle, expiresAt } = await pending(plan({ expireAfterMs: 6 * HOUR }));
    await env.sleep(2 * HOUR);
    gate.settings.setPolicy({ approval: plan({ expireAfterMs: 48 * HOUR }) });
    await gate.decide(reviewId, { type: 'revise', comment: 'smaller' });
    await env.sleep(2 * HOUR);
    const revision = gate.revise(reviewId, await gate.digestOf(reviewId), { account: 'acct-1', amount: 1 });
    expect(await gate.send(reviewId, 'revision', revision)).toBe('accepted');
    const review = await handle.result();
    expect(review.status).toBe('expired');
    expect(Date.parse(review.expiresAt ?? '')).toBe(expiresAt);
    const resolvedAt = Date.parse(review.resolvedAt ?? '');
    expect(resolvedAt).toBeGreaterThanOrEqual(expiresAt);
    expect(resolvedAt).toBeLessThan(expiresAt + HOUR);
  });
});

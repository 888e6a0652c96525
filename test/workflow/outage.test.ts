import { setTimeout as sleep } from 'node:timers/promises';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GateActivities } from '../../src/activities/api.ts';
import type { TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import { eventsOf, untilEvent } from '../support/raw-temporal.ts';
import { connectTo, devServer } from '../support/servers.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';
import { CHAIN, create, plan } from './plans.ts';

// A worker that is down past a deadline cannot be tried on the time-skipping server: it does not skip while a task waits
// for a worker. So this is a real server, and times to live of some seconds:
// a worker on a busy machine has to be stopped within them.
let server: TemporalServer;
let env: TestWorkflowEnvironment;
let gate: Harness;

let asked: { readonly name: string; readonly key: string }[] = [];
let databaseIsDown = false;

const wrap = (activities: GateActivities): GateActivities => {
  const refuse = (): void => {
    if (databaseIsDown) throw new Error('down');
  };
  return {
    ...activities,
    classifyCall: async (input) => {
      refuse();
      return await activities.classifyCall(input);
    },
    admit: async (input) => {
      refuse();
      asked.push({ name: 'admit', key: input.reviewId });
      return await activities.admit(input);
    },
    record: async (input) => {
      refuse();
      asked.push({ name: 'record', key: input.key });
      return await activities.record(input);
    },
    readOutcome: async (input) => {
      refuse();
      return await activities.readOutcome(input);
    },
  };
};

beforeAll(async () => {
  server = await devServer();
  env = await connectTo(server.address);
  gate = await startHarness(env, { now: Date.now, wrap });
});
afterAll(async () => {
  await gate?.stop();
  await env?.teardown();
  await server?.stop();
});
beforeEach(() => {
  gate.settings.setPolicy({ approval: ONE_OF_OPS });
  asked = [];
});
afterEach(() => {
  databaseIsDown = false;
});

async function pending(approval = ONE_OF_OPS) {
  gate.settings.setPolicy({ approval });
  const started = await gate.start(create());
  const review = await gate.untilStatus(started.reviewId, 'pending');
  return { ...started, expiresAt: Date.parse(review.expiresAt ?? '') };
}

const until = async (time: number): Promise<void> => await sleep(Math.max(0, time - Date.now()));

describe('no worker', () => {
  it('◆ signals are delivered before timers: after an outage a late yes still loses', async () => {
    const before = gate.calls.length;
    const { reviewId, handle, expiresAt } = await pending(plan({ expireAfterMs: 6_000 }));
    const { decisionUlid, envelope } = await gate.signDecision(reviewId);
    await gate.stopWorker('gate');
    // The server fires timers up to a second late.
    await until(expiresAt + 500);
    await untilEvent(gate.client, reviewId, 'timerFiredEventAttributes');
    await gate.signal(reviewId, 'decision', envelope);
    await gate.startWorker('gate');

    expect(await handle.result()).toMatchObject({ status: 'expired', execution: { status: 'not_started' } });
    expect((await gate.query(reviewId)).receipts[decisionUlid]).toBe('expired');
    expect((await gate.store.readLedger(reviewId))?.denial?.reason).toBe('expired');
    expect(gate.calls.length).toBe(before);

    // The trap was really there: the timer had fired before the signal came, and no task lay between them.
    const [timer] = await eventsOf(gate.client, reviewId, 'timerFiredEventAttributes');
    const [signal] = await eventsOf(gate.client, reviewId, 'workflowExecutionSignaledEventAttributes');
    const done = await eventsOf(gate.client, reviewId, 'workflowTaskCompletedEventAttributes');
    const [from, to] = [Number(timer?.eventId), Number(signal?.eventId)];
    expect(from).toBeLessThan(to);
    expect(done.filter(({ eventId }) => Number(eventId) > from && Number(eventId) < to)).toEqual([]);
  });

  it('a yes that was sent in time to a worker that came back too late loses as well', async () => {
    const { reviewId, handle, expiresAt } = await pending(plan({ expireAfterMs: 6_000 }));
    const { decisionUlid, envelope } = await gate.signDecision(reviewId);
    await gate.stopWorker('gate');
    await gate.signal(reviewId, 'decision', envelope);
    await until(expiresAt + 300);
    await gate.startWorker('gate');
    expect((await handle.result()).status).toBe('expired');
    expect((await gate.query(reviewId)).receipts[decisionUlid]).toBe('expired');
  });

  it('the deadline is not held up by what comes after it, however much that is', async () => {
    const { reviewId, handle, expiresAt } = await pending(plan({ expireAfterMs: 12_000 }));
    const late = await gate.signDecisions(
      reviewId,
      Array.from({ length: 120 }, () => ({})),
    );
    await gate.stopWorker('gate');
    await until(expiresAt + 100);
    for (const { envelope } of late) await gate.signal(reviewId, 'decision', envelope);
    asked = [];
    await gate.startWorker('gate');
    expect((await handle.result()).status).toBe('expired');
    expect(asked.find(({ key }) => key.startsWith(reviewId))?.key).toBe(`${reviewId}:expired`);
    const { receipts } = await gate.query(reviewId);
    expect(new Set(late.map(({ decisionUlid }) => receipts[decisionUlid]))).toEqual(new Set(['expired']));
  });

  it('reminders and an escalation that fell due meanwhile come late, and once', async () => {
    gate.settings.setPolicy({
      approval: plan({
        expireAfterMs: 60_000,
        remindBeforeMs: [59_000, 58_500],
        escalate: { afterMs: 1_200, to: ['managers'] },
      }),
    });
    const { reviewId, handle } = await gate.start(create());
    const review = await gate.untilStatus(reviewId, 'pending');
    await gate.stopWorker('gate');
    await until(Date.parse(review.proposedAt) + 2_000);
    await gate.startWorker('gate');
    expect(await gate.decide(reviewId, { reviewer: 'manager-1', type: 'reject' })).toBe('accepted');
    await handle.result();
    const events = (await gate.remindersOf(reviewId)).map(({ event }) => event);
    expect(events.filter((event) => event === 'escalated')).toHaveLength(1);
    expect(events.filter((event) => event === 'reminder').length).toBeLessThanOrEqual(2);
  });
});

describe('no database', () => {
  it('nothing is lost: votes are admitted in the order and with the times in which they came', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await pending(CHAIN);
    databaseIsDown = true;
    const votes = [];
    for (const reviewer of ['ops-1', 'ops-2', 'ops-1']) {
      const vote = await gate.signDecision(reviewId, { reviewer });
      await gate.signal(reviewId, 'decision', vote.envelope);
      votes.push(vote);
    }
    await sleep(1_500);
    expect((await gate.query(reviewId)).receipts).toEqual({});
    expect((await gate.query(reviewId)).review).toMatchObject({ status: 'pending', level: 1 });
    expect(gate.calls.length).toBe(before);
    databaseIsDown = false;
    const codes = [];
    for (const { decisionUlid } of votes) codes.push(await gate.receiptOf(reviewId, decisionUlid));
    // The third is a vote for a level that has passed.
    expect(codes).toEqual(['accepted', 'accepted', 'not_an_approver']);
    expect(await gate.decide(reviewId, { reviewer: 'finance-1' })).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
  });

  it('a call is not classified, and runs once it can be recorded', async () => {
    databaseIsDown = true;
    const before = gate.calls.length;
    const { reviewId, handle } = await gate.start({ tool: 'payouts.get', arguments: { id: 'p1' } });
    await sleep(800);
    expect((await gate.query(reviewId)).review).toBeNull();
    expect(gate.calls.length).toBe(before);
    databaseIsDown = false;
    expect((await handle.result()).execution.status).toBe('executed');
    expect(gate.calls.length).toBe(before + 1);
  });

  it('a no that could not be written is told to nobody before it is', async () => {
    const { reviewId, handle } = await pending();
    databaseIsDown = true;
    const { decisionUlid, envelope } = await gate.signDecision(reviewId, { type: 'reject' });
    await gate.signal(reviewId, 'decision', envelope);
    await sleep(500);
    const { review, receipts } = await gate.query(reviewId);
    expect(review?.status).toBe('pending');
    expect(receipts).not.toHaveProperty(decisionUlid);
    expect((await gate.store.readLedger(reviewId))?.state).toBe('open');
    databaseIsDown = false;
    expect((await handle.result()).status).toBe('rejected');
    expect((await gate.query(reviewId)).receipts[decisionUlid]).toBe('accepted');
  });
});

import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConnectorResult } from '../../src/ports/connector.ts';
import type { TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import type { Review } from '../../src/contract/review.ts';
import { eventsOf, resetTo } from '../support/raw-temporal.ts';
import { connectTo, devServer } from '../support/servers.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';
import { CHAIN, close, create } from './plans.ts';

// Whoever can reach Temporal can reset a workflow, to before a no or to before a call. The ledger does not go back.
let server: TemporalServer;
let env: TestWorkflowEnvironment;
let gate: Harness;

beforeAll(async () => {
  server = await devServer();
  env = await connectTo(server.address);
  gate = await startHarness(env, { now: Date.now });
});
afterAll(async () => {
  await gate?.stop();
  await env?.teardown();
  await server?.stop();
});
beforeEach(() => gate.answer(() => ({ status: 'executed', body: { ok: true } })));

async function pending(approval = ONE_OF_OPS, call: Parameters<Harness['start']>[0] = create()) {
  gate.settings.setPolicy({ approval });
  const started = await gate.start(call);
  await gate.untilStatus(started.reviewId, 'pending');
  return started;
}

/** Resets to the n-th workflow task that was completed, or the last one, counted from behind. */
async function reset(reviewId: string, nth: number, options: Parameters<typeof resetTo>[3] = {}): Promise<void> {
  const tasks = await eventsOf(gate.client, reviewId, 'workflowTaskCompletedEventAttributes');
  await resetTo(gate.client, reviewId, tasks.at(nth)?.eventId, options);
}

const resultOf = async (reviewId: string): Promise<Review> => await gate.client.workflow.getHandle(reviewId).result();

describe.each([
  ['without the signals', { reapplySignals: false }],
  ['with the signals sent again', { reapplySignals: true }],
])('a reset %s', (_, options) => {
  it('behind the call makes no second one, and tells what came of the first', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await pending();
    await gate.decide(reviewId);
    const first = await handle.result();
    await reset(reviewId, 0, options);
    const again = await resultOf(reviewId);
    expect(again).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
    expect(again.execution.finishedAt).toBe(first.execution.finishedAt);
    expect(gate.calls.length).toBe(before + 1);
    expect((await gate.entryTypes(reviewId)).filter((type) => type === 'started')).toHaveLength(1);
  });

  it('while the call is on its way makes no second one', async () => {
    const before = gate.calls.length;
    let answer: (result: ConnectorResult) => void = () => undefined;
    const sent = new Promise<void>((resolve) =>
      gate.answer(() => {
        resolve();
        return new Promise((settle) => (answer = settle));
      }),
    );
    const { reviewId } = await pending(ONE_OF_OPS, close());
    await gate.decide(reviewId);
    await sent;
    await reset(reviewId, 0, options);
    await gate.until(reviewId, ({ review }) => review?.execution.status === 'executing');
    answer({ status: 'executed', body: 'once' });
    expect(await resultOf(reviewId)).toMatchObject({ status: 'approved', execution: { body: 'once' } });
    expect(gate.calls.length).toBe(before + 1);
  });

  it('N1: while the call is deferred makes it once, if the decision comes again', async () => {
    const before = gate.calls.length;
    const busy = { status: 'failed', code: 'upstream_rejected', message: 'busy', isDeferrable: true } as const;
    gate.answer(() => ({ ...busy, retryAfterMs: 2_000 }));
    const { reviewId } = await pending(ONE_OF_OPS, close());
    await gate.decide(reviewId);
    await expect.poll(async () => (await gate.store.readLedger(reviewId))?.state).toBe('deferred');
    gate.answer(() => ({ status: 'executed', body: 'once' }));
    await reset(reviewId, 0, options);
    if (!options.reapplySignals) {
      await gate.untilStatus(reviewId, 'pending');
      expect(gate.calls.length).toBe(before + 1);
      await gate.client.workflow.getHandle(reviewId).cancel();
      expect(await resultOf(reviewId)).toMatchObject({ execution: { status: 'not_started' } });
      return;
    }
    expect(await resultOf(reviewId)).toMatchObject({ status: 'approved', execution: { body: 'once' } });
    expect(gate.calls.length).toBe(before + 2);
  });

  it('behind a no does not take it back', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await pending();
    await gate.decide(reviewId, { type: 'reject' });
    await handle.result();
    await reset(reviewId, 0, options);
    expect(await resultOf(reviewId)).toMatchObject({ status: 'rejected', execution: { status: 'not_started' } });
    expect(gate.calls.length).toBe(before);
    expect((await gate.store.readReview(reviewId))?.review.status).toBe('rejected');
  });
});

describe('a reset of a review that waits', () => {
  it('keeps the deadline, and one call comes of it', async () => {
    const before = gate.calls.length;
    const { reviewId } = await pending(CHAIN);
    const { review } = await gate.query(reviewId);
    await gate.decide(reviewId, { reviewer: 'ops-1' });
    await reset(reviewId, 0);
    await gate.until(reviewId, (result) => result.review?.levels[0]?.decisions.length === 0);
    expect((await gate.query(reviewId)).review?.expiresAt).toBe(review?.expiresAt);
    expect((await gate.query(reviewId)).review?.call.digest).toBe(review?.call.digest);
    for (const reviewer of ['ops-1', 'ops-2', 'finance-1']) {
      expect(await gate.decide(reviewId, { reviewer })).toBe('accepted');
    }
    expect((await resultOf(reviewId)).execution.status).toBe('executed');
    expect(gate.calls.length).toBe(before + 1);
  });

  it('admits a vote again that was recorded before, and records it once', async () => {
    const { reviewId } = await pending(CHAIN);
    const { envelope, decisionUlid } = await gate.signDecision(reviewId);
    expect(await gate.send(reviewId, 'decision', envelope)).toBe('accepted');
    await reset(reviewId, 0, { reapplySignals: true });
    await gate.until(reviewId, ({ receipts }) => receipts[decisionUlid] === 'accepted');
    expect((await gate.query(reviewId)).review?.levels[0]?.decisions).toHaveLength(1);
    expect((await gate.entryTypes(reviewId)).filter((type) => type === 'decided')).toHaveLength(1);
  });

  it('◆ to between a yes and a no: no later yes is recorded behind the no, and the review says so', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await pending(CHAIN);
    await gate.decide(reviewId, { reviewer: 'ops-1' });
    // A receipt can be read before its task is closed; a no that comes then would be in the same one.
    const tasks = () => eventsOf(gate.client, reviewId, 'workflowTaskCompletedEventAttributes');
    const isIdle = async () => ((await handle.describe()).raw.pendingWorkflowTask ?? null) === null;
    await vi.waitUntil(isIdle, { timeout: 60_000 });
    const yes = (await tasks()).length - 1;
    await gate.decide(reviewId, { reviewer: 'ops-2', type: 'reject' });
    await handle.result();
    await reset(reviewId, yes);
    await gate.until(reviewId, ({ review }) => review?.levels[0]?.decisions.length === 1);
    const entries = await gate.entryTypes(reviewId);
    expect(await gate.decide(reviewId, { reviewer: 'ops-2' })).toBe('already_resolved');
    expect(await resultOf(reviewId)).toMatchObject({ status: 'rejected', execution: { status: 'not_started' } });
    expect(await gate.entryTypes(reviewId)).toEqual(entries);
    expect(gate.calls.length).toBe(before);
  });
});

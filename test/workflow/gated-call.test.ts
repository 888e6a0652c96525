import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import type { Harness } from '../support/workflow-harness.ts';
import { harnessForAll } from '../support/harness-hooks.ts';

let env: TestWorkflowEnvironment;
let gate: Harness;
harnessForAll((made) => ({ env, gate } = made));

const create = { tool: 'payouts.create', arguments: { account: 'acct-1', amount: 100 } };

describe('gatedCall', () => {
  it('law 1: a reversible call runs at once, and the record says so', async () => {
    const { reviewId, handle } = await gate.start({ tool: 'payouts.get', arguments: { id: 'p1' } });
    const review = await handle.result();
    expect(review).toMatchObject({ status: 'not_required', gate: 'none', execution: { status: 'executed' } });
    expect(await gate.entryTypes(reviewId)).toEqual(['proposed', 'classified', 'started', 'finished']);
  });

  it('law 1: an irreversible call waits, and runs after a signed yes', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await gate.start(create);
    const pending = await gate.untilStatus(reviewId, 'pending');
    expect(pending).toMatchObject({ gate: 'hard', class: 'irreversible', level: 1 });
    expect(gate.calls.length).toBe(before);
    expect(await gate.decide(reviewId)).toBe('accepted');
    const review = await handle.result();
    expect(review).toMatchObject({ status: 'approved', execution: { status: 'executed', body: { ok: true } } });
    expect(gate.calls.length).toBe(before + 1);
    expect(await gate.entryTypes(reviewId)).toEqual(['proposed', 'classified', 'decided', 'started', 'finished']);
    expect((await gate.store.readReview(reviewId))?.review).toEqual(review);
  });

  it('law 1: a forbidden call is blocked and recorded', async () => {
    const { reviewId, handle } = await gate.start({ tool: 'payouts.destroy', arguments: {} });
    expect(await handle.result()).toMatchObject({ status: 'blocked', reasonCodes: ['forbidden'] });
    expect((await gate.store.readLedger(reviewId))?.state).toBe('denied');
  });

  it('S1: what the target itself cannot make of a call is blocked, final in the ledger, and nobody is asked', async () => {
    gate.answerPreview(() => ({ ok: false, code: 'invalid_call', message: '42P01: no such table', pointer: '/sql' }));
    const { reviewId, handle } = await gate.start({ tool: 'payouts.purge', arguments: { table: 't' } });
    const review = await handle.result();
    expect(review).toMatchObject({ status: 'blocked', reasonCodes: ['arguments_invalid', 'invalid_call'], gate: null });
    expect(await gate.entryTypes(reviewId)).toEqual(['proposed', 'classified']);
    expect((await gate.store.readLedger(reviewId))?.state).toBe('denied');
    expect((await gate.store.readReview(reviewId))?.review).toEqual(review);
  });

  it('law 4: silence is no: after 24 hours nobody can say yes, and the ledger says expired', async () => {
    const before = gate.calls.length;
    const startedAt = await env.currentTimeMs();
    const { reviewId, handle } = await gate.start(create);
    const review = await handle.result();
    expect(review).toMatchObject({ status: 'expired', execution: { status: 'not_started' } });
    expect((await env.currentTimeMs()) - startedAt).toBeGreaterThanOrEqual(24 * 3_600_000);
    expect((await gate.store.readLedger(reviewId))?.denial?.reason).toBe('expired');
    expect(gate.calls.length).toBe(before);
    expect(await gate.entryTypes(reviewId)).toEqual(['proposed', 'classified', 'expired']);
  });

  it('law 5: one no ends it', async () => {
    const { reviewId, handle } = await gate.start(create);
    await gate.untilStatus(reviewId, 'pending');
    expect(await gate.decide(reviewId, { type: 'reject', comment: 'not today' })).toBe('accepted');
    expect(await handle.result()).toMatchObject({
      status: 'rejected',
      resolution: { type: 'reject', by: 'ops-1', comment: 'not today', retryable: false },
    });
    expect((await gate.store.readLedger(reviewId))?.denial?.reason).toBe('rejected');
  });
});

import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectorResult } from '../../src/ports/connector.ts';
import { createSweep, lostReviews } from '../../src/activities/lost-reviews.ts';
import type { TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import { createReviewLookups } from '../../src/cli/compose/temporal.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { isFinal } from '../../src/domain/lifecycle.ts';
import { sealForTest } from '../support/gate-fixture.ts';
import { PAYLOADS, untilActivity } from '../support/raw-temporal.ts';
import { connectTo, devServer } from '../support/servers.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';
import { close, create, purge } from './plans.ts';

let server: TemporalServer;
let env: TestWorkflowEnvironment;
let gate: Harness;
/** How far the execute worker's clock is behind, ms: claims become old without waiting. */
let behind = 0;

/** Calls that wait for their answer. */
const held: ((result: ConnectorResult) => void)[] = [];

const EXECUTED: ConnectorResult = { status: 'executed', body: { ok: true }, upstreamStatus: 200 };
const UNKNOWN: ConnectorResult = { status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' };

beforeAll(async () => {
  server = await devServer();
  env = await connectTo(server.address);
  gate = await startHarness(env, {
    now: Date.now,
    execute: { clock: { now: () => Date.now() - behind } },
  });
});
afterAll(async () => {
  await gate?.stop();
  await env?.teardown();
  await server?.stop();
});
const settingsBefore = () => ({ executeWithinMs: 3_600_000, freeze: [] });
let restore: Parameters<Harness['settings']['update']>[0] = {};
beforeEach(() => {
  const { connectors, reviewers } = gate.settings.current();
  restore = { ...settingsBefore(), connectors, reviewers };
  gate.settings.setPolicy({ approval: ONE_OF_OPS });
  gate.answer(() => EXECUTED);
});
afterEach(async () => {
  release(EXECUTED);
  gate.answer(() => EXECUTED);
  gate.settings.update(restore);
  behind = 0;
  await gate.startWorker('execute');
});

async function pending(call: { tool: string; arguments: JsonObject } = create(), reviewId = gate.newReviewId()) {
  const started = await gate.start(call, undefined, reviewId);
  await gate.until(started.reviewId, ({ review }) => (review?.call.digest ?? null) !== null);
  return started;
}

/** An approved review whose call nobody makes: the execute worker is away. */
async function approvedWithoutWorker(call: Parameters<typeof pending>[0] = create()) {
  const started = await pending(call);
  await gate.stopWorker('execute');
  expect(await gate.decide(started.reviewId)).toBe('accepted');
  await untilActivity(gate.client, started.reviewId, 'executeCall');
  return started;
}

const byId = async (reviewId: string, type = 'executeCall', not?: string) => ({
  namespace: gate.client.options.namespace,
  workflowId: reviewId,
  activityId: await untilActivity(gate.client, reviewId, type, not),
  identity: 'an intruder',
});

/** A connector that answers when it is told to. */
function hold() {
  let sent: () => void = () => undefined;
  const isSent = new Promise<void>((resolve) => (sent = resolve));
  gate.answer(() => {
    sent();
    return new Promise((resolve) => held.push(resolve));
  });
  return { isSent, answer: release };
}

function release(result: ConnectorResult): void {
  for (const answer of held.splice(0)) answer(result);
}

describe('◆ results of activities can be forged', () => {
  it('before the claim: nothing has happened, and the call is made once when a worker is there', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await approvedWithoutWorker();
    const forged = Buffer.from(JSON.stringify({ status: 'executed', body: 'forged' }));
    await gate.client.workflowService.respondActivityTaskCompletedById({
      ...(await byId(reviewId)),
      result: { payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: forged }] },
    });
    expect((await gate.query(reviewId)).review?.execution.status).toBe('not_started');
    expect((await gate.store.readLedger(reviewId))?.state).toBe('open');
    await gate.startWorker('execute');
    expect((await handle.result()).execution).toMatchObject({ status: 'executed', body: { ok: true } });
    expect(gate.calls.length).toBe(before + 1);
  });

  it('as something that cannot be decoded: the same', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await approvedWithoutWorker();
    await gate.client.workflowService.respondActivityTaskCompletedById({
      ...(await byId(reviewId)),
      result: { payloads: [PAYLOADS.bogusEncoding] },
    });
    await gate.startWorker('execute');
    expect((await handle.result()).execution.status).toBe('executed');
    expect(gate.calls.length).toBe(before + 1);
  });

  it.each([
    ['a refusal', { type: 'drifted', nonRetryable: true }],
    ['what cannot be decoded', { type: 'x', details: { payloads: [PAYLOADS.notUtf8] } }],
  ])('as a failure, %s, after the claim: the call that is on its way counts', async (_, applicationFailureInfo) => {
    const before = gate.calls.length;
    const { isSent, answer } = hold();
    const { reviewId, handle } = await pending();
    await gate.decide(reviewId);
    await isSent;
    const first = await byId(reviewId);
    await gate.client.workflowService.respondActivityTaskFailedById({
      ...first,
      failure: { message: 'forged', encodedAttributes: PAYLOADS.invalidJson, applicationFailureInfo },
    });
    expect((await gate.query(reviewId)).review?.execution.status).not.toBe('failed');
    answer(EXECUTED);
    expect((await handle.result()).execution.status).toBe('executed');
    expect((await gate.store.readLedger(reviewId))?.state).toBe('done');
    expect(gate.calls.length).toBe(before + 1);
  });

  it('after the claim: one call, and what came of it is told from the ledger', async () => {
    const before = gate.calls.length;
    const { isSent, answer } = hold();
    const { reviewId, handle } = await pending();
    await gate.decide(reviewId);
    await isSent;
    const first = await byId(reviewId);
    await gate.client.workflowService.respondActivityTaskCompletedById(first);
    expect((await gate.store.readLedger(reviewId))?.state).toBe('claimed');
    await untilActivity(gate.client, reviewId, 'executeCall', first.activityId);
    answer({ status: 'executed', body: 'the real one' });
    expect((await handle.result()).execution).toMatchObject({ status: 'executed', body: 'the real one' });
    expect(gate.calls.length).toBe(before + 1);
  });

  it('evidence is read from the database: a preview that was completed from outside is none', async () => {
    await gate.stopWorker('execute');
    const { reviewId } = await gate.start(purge());
    await gate.client.workflowService.respondActivityTaskCompletedById({
      ...(await byId(reviewId, 'gatherEvidence')),
      result: { payloads: [PAYLOADS.binary] },
    });
    const review = await gate.untilStatus(reviewId, 'pending');
    const { review: open } = await gate.until(reviewId, ({ review: shown }) => (shown?.call.digest ?? null) !== null);
    expect(open).toMatchObject({ evidence: [], previewError: { code: 'preview_unavailable' } });
    expect(review.reviewId).toBe(reviewId);
    await gate.startWorker('execute');
  });
});

describe('refused at the last moment', () => {
  const refusals = {
    drifted: () =>
      gate.settings.update({
        connectors: { payouts: { baseUrl: 'http://127.0.0.1:9001', allowPrivateAddresses: true } },
      }),
    reclassified: () =>
      gate.settings.setPolicy({
        approval: { ...ONE_OF_OPS, levels: [{ name: 'money', approvers: ['finance'], quorum: 1 }] },
      }),
    not_authorized: () => gate.settings.update({ reviewers: gate.settings.current().reviewers.slice(1) }),
  };

  it.each(Object.entries(refusals))('%s', async (code, change) => {
    const before = gate.calls.length;
    const { reviewId, handle } = await approvedWithoutWorker();
    change();
    await gate.startWorker('execute');
    const review = await handle.result();
    expect(review).toMatchObject({ status: 'approved', execution: { status: 'failed', error: { code } } });
    expect(gate.calls.length).toBe(before);
    const row = await gate.store.readLedger(reviewId);
    expect(row).toMatchObject({ state: 'denied', denial: { reason: code } });
    expect((await gate.store.readReview(reviewId))?.review).toMatchObject({
      status: 'approved',
      execution: { status: 'failed', error: { code } },
    });
    expect((await gate.entryTypes(reviewId)).at(-1)).toBe('finished');
  });

  it('seal_broken', async () => {
    const reviewId = gate.newReviewId();
    const memo = sealForTest(gate.newReviewId(), 'payouts.wire', '/memo', 'words');
    const { handle } = await pending({ tool: 'payouts.wire', arguments: { amount: 1, memo } }, reviewId);
    await gate.decide(reviewId);
    expect((await handle.result()).execution).toMatchObject({ status: 'failed', error: { code: 'seal_broken' } });
  });

  it('invalid_call', async () => {
    const reviewId = gate.newReviewId();
    const memo = sealForTest(reviewId, 'payouts.wire', '/memo', 'no');
    const { handle } = await pending({ tool: 'payouts.wire', arguments: { amount: 1, memo } }, reviewId);
    await gate.decide(reviewId);
    expect((await handle.result()).execution).toMatchObject({ status: 'failed', error: { code: 'invalid_call' } });
  });

  it('approval_stale: no worker came within `executeWithin`, and the one that comes later makes no call', async () => {
    gate.settings.update({ executeWithinMs: 1_500 });
    const before = gate.calls.length;
    const { reviewId, handle } = await approvedWithoutWorker();
    const review = await handle.result();
    expect(review.execution).toMatchObject({ status: 'failed', error: { code: 'approval_stale' } });
    await gate.startWorker('execute');
    expect(await gate.store.readLedger(reviewId)).toMatchObject({
      state: 'denied',
      denial: { reason: 'approval_stale' },
    });
    const stored = (await gate.store.readReview(reviewId))?.review;
    expect(stored).toMatchObject({ status: 'approved', execution: { status: 'failed' } });
    expect(stored !== undefined && isFinal(stored)).toBe(true);
    expect(gate.calls.length).toBe(before);
  });

  it('a failure of the target is one of the call, not of the review', async () => {
    gate.answer(() => ({ status: 'failed', code: 'upstream_rejected', message: 'no', body: { why: 'no' } }));
    const { reviewId, handle } = await pending();
    await gate.decide(reviewId);
    expect(await handle.result()).toMatchObject({
      status: 'approved',
      execution: { status: 'failed', body: { why: 'no' }, error: { code: 'upstream_rejected' } },
    });
  });
});

describe('a call that provably did not run', () => {
  const BUSY: ConnectorResult = {
    status: 'failed',
    code: 'upstream_rejected',
    message: 'The target answered 429',
    upstreamStatus: 429,
    isDeferrable: true,
  };
  async function deferred(retryAfterMs: number) {
    gate.answer(() => ({ ...BUSY, retryAfterMs }));
    const started = await pending(close());
    expect(await gate.decide(started.reviewId)).toBe('accepted');
    await expect.poll(async () => (await gate.store.readLedger(started.reviewId))?.state).toBe('deferred');
    return started;
  }

  it('N1: is made again, also by another worker, and says meanwhile why it waits', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await deferred(1_000);
    const stored = (await gate.store.readReview(reviewId))?.review.execution;
    expect(stored).toMatchObject({ status: 'not_started', deferred: { upstreamStatus: 429, times: 1 } });
    await gate.stopWorker('execute');
    gate.answer(() => EXECUTED);
    await gate.startWorker('execute');
    const { execution } = await handle.result();
    expect(execution).toMatchObject({ status: 'executed', body: { ok: true } });
    expect(execution.deferred).toBeUndefined();
    expect(gate.calls.length).toBe(before + 2);
    const types = (await gate.store.entriesOf(reviewId)).map(({ entry }) => entry.type);
    expect(types.slice(-4)).toEqual(['started', 'deferred', 'started', 'finished']);
  });

  it('N1: is stale like any other that is not made in time, and still says why it waited', async () => {
    gate.settings.update({ executeWithinMs: 4_000 });
    const before = gate.calls.length;
    const { reviewId, handle } = await deferred(1_000);
    gate.settings.update({ freeze: ['*'] });
    expect((await handle.result()).execution).toMatchObject({
      status: 'failed',
      error: { code: 'approval_stale' },
      startedAt: null,
      deferred: { code: 'upstream_rejected' },
    });
    expect(await gate.store.readLedger(reviewId)).toMatchObject({ state: 'denied', claim: null });
    expect(gate.calls.length).toBe(before + 1);
  });
});

describe('freeze', () => {
  it('stops new calls at once; an approved one waits and runs when it is over', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await pending();
    gate.settings.update({ freeze: ['payouts.*'] });
    expect(await gate.decide(reviewId)).toBe('accepted');
    const blocked = await gate.start(create());
    expect(await blocked.handle.result()).toMatchObject({ status: 'blocked', reasonCodes: ['frozen'] });
    expect((await gate.query(reviewId)).review?.execution.status).toBe('not_started');
    expect(gate.calls.length).toBe(before);
    gate.settings.update({ freeze: [] });
    expect((await handle.result()).execution.status).toBe('executed');
    expect(gate.calls.length).toBe(before + 1);
  });
});

describe('while the call is made', () => {
  it('late votes get their answer', async () => {
    const { isSent, answer } = hold();
    const { reviewId, handle } = await pending();
    await gate.decide(reviewId);
    await isSent;
    expect(await gate.decide(reviewId, { reviewer: 'ops-2' })).toBe('already_resolved');
    expect(await gate.decide(reviewId, { reviewer: 'ops-2', type: 'reject' })).toBe('already_resolved');
    answer(EXECUTED);
    expect((await handle.result()).execution.status).toBe('executed');
  });

  it('a cancellation does not unmake it', async () => {
    const { isSent, answer } = hold();
    const { reviewId, handle } = await pending();
    await gate.decide(reviewId);
    await isSent;
    await handle.cancel();
    answer(EXECUTED);
    expect(await handle.result()).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  });
});

describe('an outcome that nobody knows', () => {
  async function unknown() {
    behind = 60_000;
    gate.answer(() => UNKNOWN);
    const started = await pending(close());
    await gate.decide(started.reviewId);
    await gate.until(started.reviewId, ({ review }) => review?.execution.status === 'outcome_unknown');
    return { ...started, digest: await gate.digestOf(started.reviewId) };
  }

  it('waits for a person, who may settle it as executed; once, and for everybody to see', async () => {
    const before = gate.calls.length;
    const { reviewId, handle, digest } = await unknown();
    const by = (reviewer: string) => gate.reconcile(reviewId, digest, 'executed', { reviewer });
    expect(await gate.send(reviewId, 'reconciliation', by('finance-1'))).toBe('not_an_approver');
    expect(await gate.send(reviewId, 'reconciliation', by('audit-1'))).toBe('not_an_approver');
    expect(await gate.send(reviewId, 'reconciliation', by('ops-3'))).toBe('self_approval');
    const other = gate.reconcile(reviewId, `sha256:${'0'.repeat(64)}`, 'executed');
    expect(await gate.send(reviewId, 'reconciliation', other)).toBe('digest_mismatch');

    const first = by('ops-1');
    const second = gate.reconcile(reviewId, digest, 'failed', { reviewer: 'ops-2' });
    await gate.signal(reviewId, 'reconciliation', first);
    await gate.signal(reviewId, 'reconciliation', second).catch(() => undefined);
    const review = await handle.result();
    expect(review.execution).toMatchObject({ status: 'executed', reconciled: { outcome: 'executed', by: 'ops-1' } });
    expect((await gate.store.readReview(reviewId))?.review.execution).toEqual(review.execution);
    expect((await gate.store.readLedger(reviewId))?.reconciliation).toMatchObject({ outcome: 'executed', by: 'ops-1' });
    expect((await gate.entryTypes(reviewId)).filter((type) => type === 'reconciled')).toHaveLength(1);
    const record = await gate.store.readRecord(reviewId);
    expect(record?.envelopes.map(({ kind }) => kind)).toContain('reconciliation');
    expect(gate.calls.length).toBe(before + 1);
  });

  it('or as failed', async () => {
    const { reviewId, handle, digest } = await unknown();
    expect(await gate.send(reviewId, 'reconciliation', gate.reconcile(reviewId, digest, 'failed'))).toBe('accepted');
    expect((await handle.result()).execution).toMatchObject({ status: 'failed', error: { code: 'reconciled_failed' } });
  });

  it('not before the request can no longer be on its way', async () => {
    behind = 0;
    gate.answer(() => UNKNOWN);
    const { reviewId } = await pending(close());
    await gate.decide(reviewId);
    await gate.until(reviewId, ({ review }) => review?.execution.status === 'outcome_unknown');
    const envelope = gate.reconcile(reviewId, await gate.digestOf(reviewId), 'executed');
    expect(await gate.send(reviewId, 'reconciliation', envelope)).toBe('not_reconcilable');
    expect((await gate.query(reviewId)).review?.execution.status).toBe('outcome_unknown');
  });

  it('a late result settles it', async () => {
    const { reviewId, handle } = await approvedWithoutWorker(close());
    // A worker that claimed it and was lost.
    const at = new Date(Date.now() - 60_000).toISOString();
    const token = 'of the lost worker';
    const digest = await gate.digestOf(reviewId);
    await gate.store.commit({
      ledger: {
        to: 'claim',
        reviewId,
        token,
        at,
        sendBy: at,
        settledBy: at,
        digest,
        idempotencyKey: null,
        objections: 0,
        freezeVersion: 0,
      },
      entries: [],
    });
    const before = gate.calls.length;
    await gate.startWorker('execute');
    await gate.until(reviewId, ({ review }) => review?.execution.status === 'outcome_unknown');
    const outcome = { body: 'late', error: null, finishedAt: new Date().toISOString() };
    await gate.store.commit({ ledger: { to: 'finish', reviewId, token, state: 'done', outcome }, entries: [] });
    expect((await handle.result()).execution).toMatchObject({ status: 'executed', body: 'late' });
    expect(gate.calls.length).toBe(before);
  });

  it('is no reason to send twice, unless the target is idempotent; then with the same key', async () => {
    gate.answer((_, nth) => (nth % 2 === 1 ? UNKNOWN : EXECUTED));
    gate.calls.length = 0;
    const { reviewId, handle } = await pending(create());
    await gate.decide(reviewId);
    expect((await handle.result()).execution.status).toBe('executed');
    expect(gate.calls.map(({ idempotencyKey }) => idempotencyKey)).toEqual([
      `holdpoint-${reviewId}`,
      `holdpoint-${reviewId}`,
    ]);
  });
});

describe('ended from outside', () => {
  const sweep = () => {
    const lookups = createReviewLookups(
      { client: gate.client, connection: env.connection, namespace: gate.client.options.namespace } as never,
      null,
    );
    return createSweep(lostReviews(lookups.restart))({
      store: gate.store,
      settings: gate.settings,
      clock: { now: () => Date.now() + 60_000 },
      isRunning: lookups.isRunning,
      report: () => undefined,
    });
  };

  it('cancelled while it waits: aborted, which is nobody’s no', async () => {
    const { reviewId, handle } = await pending();
    await handle.cancel();
    const review = await handle.result();
    expect(review).toMatchObject({
      status: 'aborted',
      resolution: { type: 'aborted', by: null },
      execution: { status: 'not_started' },
    });
    expect((await gate.store.readLedger(reviewId))?.denial?.reason).toBe('aborted');
    expect((await gate.entryTypes(reviewId)).at(-1)).toBe('aborted');
  });

  it('terminated: aborted, once the sweep has seen it, and no vote can bring it back', async () => {
    const { reviewId, handle } = await pending();
    const kept = await pending();
    await handle.terminate('by an intruder');
    await sweep();
    expect((await gate.store.readReview(reviewId))?.review.status).toBe('aborted');
    expect((await gate.store.readLedger(reviewId))?.denial?.reason).toBe('aborted');
    // What is still running is left alone.
    expect((await gate.store.readReview(kept.reviewId))?.review.status).toBe('pending');
    expect((await gate.store.readLedger(kept.reviewId))?.state).toBe('open');

    const before = gate.calls.length;
    const proposal = (await gate.store.readRecord(reviewId))?.envelopes[0]?.envelope;
    const again = await gate.startRaw({ proposal }, reviewId);
    expect(await again.handle.result()).toMatchObject({ status: 'aborted' });
    expect(gate.calls.length).toBe(before);
  });

  it('terminated after the yes and before the call: the call failed, and who waits for it hears so', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await approvedWithoutWorker();
    await handle.terminate('by an intruder');
    await sweep();
    const stored = (await gate.store.readReview(reviewId))?.review;
    expect(stored).toMatchObject({ status: 'approved', execution: { status: 'failed', error: { code: 'aborted' } } });
    expect(stored !== undefined && isFinal(stored)).toBe(true);
    expect((await gate.store.readLedger(reviewId))?.state).toBe('denied');
    await gate.startWorker('execute');
    expect(gate.calls.length).toBe(before);
  });

  it('terminated while a person has to settle it: it comes back and can be settled', async () => {
    behind = 60_000;
    gate.answer(() => UNKNOWN);
    const { reviewId, handle } = await pending(close());
    await gate.decide(reviewId);
    await gate.until(reviewId, ({ review }) => review?.execution.status === 'outcome_unknown');
    const digest = await gate.digestOf(reviewId);
    await handle.terminate('by an intruder');
    await sweep();
    await gate.until(reviewId, ({ review }) => review?.execution.status === 'outcome_unknown');
    const envelope = gate.reconcile(reviewId, digest, 'executed');
    expect(await gate.send(reviewId, 'reconciliation', envelope)).toBe('accepted');
    const settled = await gate.client.workflow.getHandle(reviewId).result();
    expect(settled).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  });
});

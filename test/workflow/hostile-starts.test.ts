import { WorkflowContinuedAsNewError, WorkflowFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { registerSearchAttributes } from '../../src/cli/compose/search-attributes.ts';
import type { TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import { NOT_STARTED } from '../../src/contract/constants.ts';
import { specOf } from '../../src/domain/gate/state.ts';
import { GATE_TASK_QUEUE, GATED_CALL } from '../../src/workflows/messages.ts';
import { ASKING_TASK_QUEUE, startAskingWorker } from '../support/asking-worker.ts';
import { makeKey, signerOf } from '../support/keys.ts';
import { untilEvent } from '../support/raw-temporal.ts';
import { connectTo, devServer } from '../support/servers.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { specialServer } from '../support/special-server.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';
import { create, plan } from './plans.ts';

let server: TemporalServer;
let env: TestWorkflowEnvironment;
let gate: Harness;
let stopAsking: (() => Promise<void>) | undefined;

beforeAll(async () => {
  server = await devServer();
  env = await connectTo(server.address);
  gate = await startHarness(env, { now: Date.now });
  stopAsking = await startAskingWorker(env);
});
afterAll(async () => {
  await stopAsking?.();
  await gate?.stop();
  await env?.teardown();
  await server?.stop();
});
beforeEach(() => {
  gate.settings.setPolicy({ approval: ONE_OF_OPS });
  gate.settings.update({ unattested: 'hold' });
});

const get = { service: 'payouts', tool: 'payouts.get', arguments: { id: 'p1' } };
const payout = { service: 'payouts', ...create() };

/** The code with which a workflow failed. */
async function failureOf(handle: { result(): Promise<unknown> }): Promise<string | undefined> {
  const error: unknown = await handle.result().catch((failure: unknown) => failure);
  if (!(error instanceof WorkflowFailedError)) return undefined;
  return (error.cause as { readonly type?: string } | undefined)?.type;
}

/** A state that says everything is approved, made out of what can be read of a review that is not. */
async function forgeSnapshot(reviewId: string) {
  const record = await gate.store.readRecord(reviewId);
  const { review } = await gate.query(reviewId);
  const material = record?.materials[0];
  const row = await gate.store.readLedger(reviewId);
  if (review === null || material === undefined || row === undefined) throw new Error('nothing to forge from');
  const digest = review.call.digest ?? '';
  const { status, resolvedAt, ...base } = review;
  return {
    record: {
      base,
      revisions: [
        {
          material,
          digest,
          gate: 'hard',
          reasonCodes: [],
          previewError: null,
          submittedAt: review.proposedAt,
          by: 'agent-1',
          decisions: [],
        },
      ],
      gate: {
        tag: 'approved',
        spec: specOf(material, digest, []),
        votes: [],
        at: Date.now(),
        by: 'ops-1',
        comment: null,
        answer: { kind: 'approve' },
      },
      ungated: null,
      allowed: [],
      execution: NOT_STARTED,
    },
    attested: true,
    timeoutMs: 1_000,
    executeWithinMs: 3_600_000,
    startedAt: Date.now(),
    proposal: record?.envelopes.find(({ kind }) => kind === 'proposal')?.envelope ?? null,
    proposalDigest: row.proposalDigest,
    previous: null,
    carrying: [],
    schedule: { remindAt: [], escalateAt: null },
    receipts: [],
  };
}

/** Runs a workflow of somebody else's under this id until it has continued as ours, with a state of its making. */
async function impersonate(reviewId: string, forged: unknown): Promise<void> {
  const { firstExecutionRunId } = await gate.client.workflow.start('impersonates', {
    workflowId: reviewId,
    taskQueue: ASKING_TASK_QUEUE,
    args: [GATED_CALL, GATE_TASK_QUEUE, [payout, forged]],
  });
  const first = gate.client.workflow.getHandle(reviewId, firstExecutionRunId, { followRuns: false });
  await expect(first.result()).rejects.toBeInstanceOf(WorkflowContinuedAsNewError);
}

describe('a start that nobody signed', () => {
  it('claims nothing: class, status, gate, proposer, context and group in it are ignored', async () => {
    const { reviewId, handle } = await gate.startRaw({
      ...get,
      class: 'reversible',
      status: 'approved',
      gate: 'none',
      proposer: 'agent-1',
      context: { trusted: true },
      group: 'a group',
      callback: 'https://example.com/',
      decisions: [{ type: 'approve' }],
    });
    const review = await gate.untilStatus(reviewId, 'pending');
    expect(review).toMatchObject({
      gate: 'hard',
      class: 'reversible',
      proposer: { id: 'temporal:someone@somewhere', owner: null, attested: false },
      context: {},
      group: null,
      callback: null,
    });
    expect(review.reasonCodes).toContain('unattested');
    expect(await gate.decide(reviewId)).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
  });

  it('`allow` lets harmless calls through, and irreversible ones no more than before', async () => {
    gate.settings.update({ unattested: 'allow' });
    const free = await gate.startRaw(get);
    expect((await free.handle.result()).execution.status).toBe('executed');
    const held = await gate.startRaw(payout);
    expect(await gate.untilStatus(held.reviewId, 'pending')).toMatchObject({ gate: 'hard' });
  });

  it('`refuse` blocks it', async () => {
    gate.settings.update({ unattested: 'refuse' });
    const { handle } = await gate.startRaw(get);
    expect(await handle.result()).toMatchObject({ status: 'blocked', reasonCodes: ['unattested_refused'] });
  });

  it('is blocked where separation of duties is on, because nobody is answerable', async () => {
    gate.settings.setPolicy({ approval: plan({ separationOfDuties: true }) });
    const { handle } = await gate.startRaw(payout);
    expect(await handle.result()).toMatchObject({ status: 'blocked', reasonCodes: ['owner_unknown'] });
  });

  it('is blocked where an argument should have been sealed, and the argument is kept nowhere', async () => {
    const { reviewId, handle } = await gate.startRaw({
      service: 'payouts',
      tool: 'payouts.wire',
      arguments: { amount: 1, memo: 'the secret words' },
    });
    const review = await handle.result();
    expect(review).toMatchObject({ status: 'blocked', reasonCodes: ['seal_required'] });
    expect(JSON.stringify(review)).not.toContain('secret words');
    expect(JSON.stringify(await gate.store.readRecord(reviewId))).not.toContain('secret words');
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'payouts.get'],
    ['a list', [get]],
    ['no arguments', { service: 'payouts', tool: 'payouts.get' }],
    ['arguments of another shape', { ...get, arguments: [1] }],
  ])('with %s for an argument is blocked and recorded', async (_, argument) => {
    const { reviewId, handle } = await gate.startRaw(argument);
    expect(await handle.result()).toMatchObject({ status: 'blocked', reasonCodes: ['arguments_invalid'] });
    expect((await gate.store.readLedger(reviewId))?.state).toBe('denied');
  });

  it('◆ with more than a review can hold is blocked, not wedged', async () => {
    const { handle } = await gate.startRaw({ ...get, arguments: { id: 'x'.repeat(1_900_000) } });
    expect(await handle.result()).toMatchObject({ status: 'blocked', reasonCodes: ['arguments_invalid'] });
  });

  it('under an id that is no review’s fails at once', async () => {
    for (const id of ['rev_1', 'order-7', `rev_${'I'.repeat(26)}`]) {
      const { handle } = await gate.startRaw(get, id);
      expect(await failureOf(handle)).toBe('review_id_invalid');
      await expect(handle.result()).rejects.toMatchObject({
        cause: { message: expect.stringContaining('rev_<ULID>') },
      });
    }
  });
});

describe('a proposal that is not what it says', () => {
  it.each([
    ['signed for another review', () => gate.propose(gate.newReviewId(), payout)],
    ['signed for another deployment', (id: string) => gate.propose(id, payout, 'agent-1', undefined, 'elsewhere')],
    ['signed by nobody we trust', (id: string) => gate.propose(id, payout, 'agent-1', signerOf(makeKey('mallory')))],
    ['signed by a reviewer’s key', (id: string) => gate.propose(id, payout, 'agent-1', gate.signers.review)],
    ['of an agent that we do not know', (id: string) => gate.propose(id, payout, 'agent-9')],
  ])('%s is not attested', async (_, make) => {
    const reviewId = gate.newReviewId();
    await gate.startRaw({ ...payout, proposal: make(reviewId) }, reviewId);
    const review = await gate.untilStatus(reviewId, 'pending');
    expect(review.proposer.attested).toBe(false);
    expect(review.proposer.id).toMatch(/^temporal:/);
  });

  it('with a valid envelope nothing beside it counts', async () => {
    const reviewId = gate.newReviewId();
    const proposal = gate.propose(reviewId, payout);
    await gate.startRaw({ ...get, proposal }, reviewId);
    const review = await gate.untilStatus(reviewId, 'pending');
    expect(review).toMatchObject({ call: { tool: 'payouts.create' }, proposer: { id: 'agent-1', attested: true } });
  });
});

describe('the same id again', () => {
  it('after the end tells what the ledger says, and makes no second call', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await gate.start(create());
    await gate.untilStatus(reviewId, 'pending');
    const [input] =
      (await handle.fetchHistory()).events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    await gate.decide(reviewId);
    const first = await handle.result();
    const again = await gate.startRaw(JSON.parse(Buffer.from(input?.data ?? []).toString()), reviewId);
    const second = await again.handle.result();
    expect(second).toMatchObject({ status: 'approved', execution: { status: 'executed', body: { ok: true } } });
    expect(second.execution.finishedAt).toBe(first.execution.finishedAt);
    expect(gate.calls.length).toBe(before + 1);
  });

  it('◆ with other arguments is another proposal, and refused', async () => {
    const { reviewId, handle } = await gate.start(create());
    await gate.untilStatus(reviewId, 'pending');
    await gate.decide(reviewId, { type: 'reject' });
    await handle.result();
    const proposal = gate.propose(reviewId, { service: 'payouts', ...create(1) });
    const again = await gate.startRaw({ proposal }, reviewId);
    expect(await failureOf(again.handle)).toBe('review_id_taken');
    expect((await gate.store.readReview(reviewId))?.review.status).toBe('rejected');
  });

  it('after a no stays a no, whoever starts it', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await gate.start(create());
    await gate.untilStatus(reviewId, 'pending');
    const proposal = (await gate.store.readRecord(reviewId))?.envelopes[0]?.envelope;
    await gate.decide(reviewId, { type: 'reject' });
    await handle.result();
    const again = await gate.startRaw({ proposal }, reviewId);
    expect(await again.handle.result()).toMatchObject({ status: 'rejected', execution: { status: 'not_started' } });
    expect(gate.calls.length).toBe(before);
  });

  it('after it was terminated while pending goes on under the same deadline', async () => {
    const { reviewId, handle } = await gate.start(create());
    const { expiresAt } = await gate.untilStatus(reviewId, 'pending');
    const proposal = (await gate.store.readRecord(reviewId))?.envelopes[0]?.envelope;
    await handle.terminate('by an intruder');
    await gate.startRaw({ proposal }, reviewId);
    expect((await gate.untilStatus(reviewId, 'pending')).expiresAt).toBe(expiresAt);
    expect(await gate.decide(reviewId)).toBe('accepted');
  });
});

describe('a state that somebody else made up', () => {
  it('as a second argument is not looked at', async () => {
    const model = await gate.start(create());
    await gate.untilStatus(model.reviewId, 'pending');
    const forged = await forgeSnapshot(model.reviewId);
    const reviewId = gate.newReviewId();
    const proposal = gate.propose(reviewId, payout);
    const record = { ...forged.record, base: { ...forged.record.base, reviewId } };
    await gate.client.workflow.start(GATED_CALL, {
      workflowId: reviewId,
      taskQueue: GATE_TASK_QUEUE,
      args: [
        { ...payout, proposal },
        { ...forged, record },
      ],
    });
    expect((await gate.untilStatus(reviewId, 'pending')).status).toBe('pending');
  });

  it('carried over by a workflow that continues as ours runs nothing: the execute worker asks for signatures', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await gate.start(create());
    await gate.untilStatus(reviewId, 'pending');
    const forged = await forgeSnapshot(reviewId);
    await handle.terminate('by an intruder');
    await impersonate(reviewId, forged);
    const review = await gate.client.workflow.getHandle(reviewId).result();
    expect(review).toMatchObject({ execution: { status: 'failed', error: { code: 'not_authorized' } } });
    expect(gate.calls.length).toBe(before);
    expect((await gate.store.readLedger(reviewId))?.state).toBe('denied');
  });

  it('of another review is not taken at all', async () => {
    const other = await gate.start(create());
    await gate.untilStatus(other.reviewId, 'pending');
    const forged = await forgeSnapshot(other.reviewId);
    const reviewId = gate.newReviewId();
    await impersonate(reviewId, forged);
    expect((await gate.untilStatus(reviewId, 'pending')).proposer.attested).toBe(false);
    expect((await gate.store.readReview(other.reviewId))?.review.status).toBe('pending');
    expect((await gate.store.readLedger(other.reviewId))?.state).toBe('open');
  });
});

describe('search attributes', () => {
  it('◆ unregistered ones wedge workflow tasks; registering them, as every start does first, heals it', async () => {
    const bare = await specialServer({ withoutSearchAttributes: true });
    const bareEnv = await connectTo(bare.address);
    const harness = await startHarness(bareEnv, { now: Date.now });
    try {
      const { reviewId, handle } = await harness.start({ tool: 'payouts.get', arguments: { id: 'p1' } });
      await untilEvent(harness.client, reviewId, 'workflowTaskFailedEventAttributes');
      expect((await handle.describe()).status.name).toBe('RUNNING');
      await registerSearchAttributes(bareEnv.connection, bareEnv.namespace ?? 'default');
      expect((await handle.result()).execution.status).toBe('executed');
    } finally {
      await harness.stop();
      await bareEnv.teardown();
      await bare.stop();
    }
  });
});

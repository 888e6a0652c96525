import { setTimeout as sleep } from 'node:timers/promises';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import { GATE_TASK_QUEUE, GATED_CALL, SEARCH_ATTRIBUTES } from '../../src/workflows/messages.ts';
import { connectTo } from '../support/servers.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { specialServer, type SpecialServer } from '../support/special-server.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';
import { CHAIN, close, create, plan } from './plans.ts';

// A server that asks for a new run after forty events, so that small reviews continue as new.
let server: SpecialServer;
let env: TestWorkflowEnvironment;
let gate: Harness;
let behind = 0;

beforeAll(async () => {
  server = await specialServer({ dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 40 } });
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
beforeEach(() => {
  behind = 0;
  gate.settings.setPolicy({ approval: ONE_OF_OPS });
  gate.answer(() => ({ status: 'executed', body: { ok: true } }));
});

const MEMO = { holdpointProposal: { proposer: 'agent-1', tool: 'payouts.create' } };

async function pending(approval = ONE_OF_OPS, call: { tool: string; arguments: JsonObject } = create()) {
  gate.settings.setPolicy({ approval });
  const reviewId = gate.newReviewId();
  const request = { service: 'payouts', ...call };
  const handle = await gate.client.workflow.start(GATED_CALL, {
    workflowId: reviewId,
    taskQueue: GATE_TASK_QUEUE,
    args: [{ ...request, proposal: gate.propose(reviewId, request) }],
    memo: MEMO,
  });
  await gate.untilStatus(reviewId, 'pending');
  return { reviewId, handle };
}

const runIdOf = async (reviewId: string): Promise<string> =>
  (await gate.client.workflow.getHandle(reviewId).describe()).runId;

/** Sends decisions that are refused until the workflow has continued as new. */
async function fillHistory(reviewId: string): Promise<void> {
  const before = await runIdOf(reviewId);
  for (let n = 0; n < 60; n += 1) {
    if ((await runIdOf(reviewId)) !== before) return;
    expect(await gate.decide(reviewId, { reviewer: 'audit-1' })).toBe('not_an_approver');
  }
  throw new Error('it never continued as new');
}

describe('continue-as-new', () => {
  it('◆ carries votes, receipts and the deadline; memo and details are there again', async () => {
    const { reviewId, handle } = await pending(CHAIN);
    const vote = await gate.signDecision(reviewId);
    expect(await gate.send(reviewId, 'decision', vote.envelope)).toBe('accepted');
    const before = await gate.query(reviewId);
    await fillHistory(reviewId);

    const after = await gate.query(reviewId);
    expect(after.review).toEqual(before.review);
    expect(after.receipts[vote.decisionUlid]).toBe('accepted');
    expect(Object.keys(after.receipts).length).toBeGreaterThan(1);

    const description = await gate.client.workflow.getHandle(reviewId).describe();
    expect(description.memo).toEqual(MEMO);
    expect(description.typedSearchAttributes.get(SEARCH_ATTRIBUTES.status)).toBe('pending');
    expect(description.typedSearchAttributes.get(SEARCH_ATTRIBUTES.tool)).toBe('payouts.create');
    const metadata = await gate.client.workflow
      .getHandle(reviewId)
      .query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(metadata.currentDetails).toMatch(/^\*\*Waiting for ops, 1 of /);
    expect(metadata.currentDetails).toContain(`/reviews/${reviewId}>)`);

    // The old envelope is still the same vote.
    await gate.signal(reviewId, 'decision', vote.envelope);
    expect(await gate.decide(reviewId)).toBe('already_voted');
    for (const reviewer of ['ops-2', 'finance-1']) expect(await gate.decide(reviewId, { reviewer })).toBe('accepted');
    expect(await handle.result()).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  });

  it('loses no signal, however many come while it happens', async () => {
    const { reviewId, handle } = await pending();
    const first = await runIdOf(reviewId);
    const sent = await Promise.all(
      Array.from({ length: 180 }, () => gate.signDecision(reviewId, { reviewer: 'finance-1' })),
    );
    for (let n = 0; n < sent.length; n += 6) {
      await Promise.all(sent.slice(n, n + 6).map(({ envelope }) => gate.signal(reviewId, 'decision', envelope)));
    }
    for (const { decisionUlid } of sent) expect(await gate.receiptOf(reviewId, decisionUlid)).toBe('not_an_approver');
    expect(await runIdOf(reviewId)).not.toBe(first);
    expect(await gate.decide(reviewId)).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
  });

  it('carries an edit and the yes in it', async () => {
    const { reviewId, handle } = await pending(plan({ levels: [{ name: 'a', approvers: ['ops'], quorum: 2 }] }));
    const editedArguments = { account: 'acct-1', amount: 3 };
    expect(await gate.decide(reviewId, { type: 'edit', editedArguments })).toBe('accepted');
    await fillHistory(reviewId);
    expect(await gate.decide(reviewId, { reviewer: 'ops-2' })).toBe('accepted');
    expect((await handle.result()).execution).toMatchObject({ status: 'executed', edited: true });
    expect(gate.calls.at(-1)?.arguments).toEqual(editedArguments);
  });

  it('carries a request for changes', async () => {
    const { reviewId, handle } = await pending();
    await gate.decide(reviewId, { type: 'revise', comment: 'smaller' });
    await fillHistory(reviewId);
    expect((await gate.query(reviewId)).review).toMatchObject({
      status: 'changes_requested',
      feedback: { comment: 'smaller' },
    });
    const revision = gate.revise(reviewId, await gate.digestOf(reviewId), { account: 'acct-1', amount: 2 });
    expect(await gate.send(reviewId, 'revision', revision)).toBe('accepted');
    expect(await gate.decide(reviewId)).toBe('accepted');
    expect((await handle.result()).revision).toBe(2);
  });

  it('moves no deadline, and reminds nobody twice', async () => {
    const { reviewId, handle } = await pending(plan({ expireAfterMs: 9_000, remindBeforeMs: [8_900] }));
    const { review } = await gate.query(reviewId);
    for (let n = 0; n < 400 && (await gate.remindersOf(reviewId)).length === 0; n += 1) await sleep(20);
    await fillHistory(reviewId);
    expect((await gate.query(reviewId)).review?.expiresAt).toBe(review?.expiresAt);
    const ended = await handle.result();
    expect(ended.status).toBe('expired');
    expect(Date.parse(ended.resolvedAt ?? '')).toBeLessThan(Date.parse(review?.expiresAt ?? '') + 5_000);
    expect(await gate.remindersOf(reviewId)).toMatchObject([{ event: 'reminder' }]);
  });

  it('a cancellation is honoured in the new run', async () => {
    const { reviewId, handle } = await pending();
    await fillHistory(reviewId);
    await gate.client.workflow.getHandle(reviewId).cancel();
    expect((await handle.result()).status).toBe('aborted');
  });

  it('happens while a person has to settle a call', async () => {
    behind = 60_000;
    gate.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' }));
    const before = gate.calls.length;
    const { reviewId, handle } = await pending(ONE_OF_OPS, close());
    await gate.decide(reviewId);
    await gate.until(reviewId, ({ review }) => review?.execution.status === 'outcome_unknown');
    const digest = await gate.digestOf(reviewId);
    const first = await runIdOf(reviewId);
    for (let n = 0; n < 60 && (await runIdOf(reviewId)) === first; n += 1) {
      const refused = gate.reconcile(reviewId, digest, 'executed', { reviewer: 'finance-1' });
      expect(await gate.send(reviewId, 'reconciliation', refused)).toBe('not_an_approver');
    }
    expect(await runIdOf(reviewId)).not.toBe(first);
    expect(await gate.send(reviewId, 'reconciliation', gate.reconcile(reviewId, digest, 'executed'))).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
    expect(gate.calls.length).toBe(before + 1);
  });

  it('happens to questions too', async () => {
    const { reviewId, handle } = await gate.ask({ title: 'Go?', proposal: { n: 1 }, approvers: ['ops'] });
    await gate.untilStatus(reviewId, 'pending');
    await fillHistory(reviewId);
    expect((await gate.query(reviewId)).review).toMatchObject({ kind: 'in-flow', title: 'Go?' });
    expect(await gate.decide(reviewId)).toBe('accepted');
    expect(await handle.result()).toMatchObject({ type: 'approve', proposal: { n: 1 } });
  });
});

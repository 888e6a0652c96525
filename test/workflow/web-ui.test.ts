import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/messages.ts';
import { eventsOf } from '../support/raw-temporal.ts';
import { connectTo, devServer } from '../support/servers.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';
import { CHAIN, create, HOUR, plan } from './plans.ts';

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
beforeEach(() => gate.settings.setPolicy({ approval: ONE_OF_OPS }));

async function pending(approval = ONE_OF_OPS) {
  gate.settings.setPolicy({ approval });
  const started = await gate.start(create());
  await gate.untilStatus(started.reviewId, 'pending');
  return started;
}

async function attributesOf(reviewId: string): Promise<readonly unknown[]> {
  const { typedSearchAttributes } = await gate.client.workflow.getHandle(reviewId).describe();
  const { status, class: callClass, tool, proposer } = SEARCH_ATTRIBUTES;
  return [status, callClass, tool, proposer].map((key) => typedSearchAttributes.get(key));
}

const detailsOf = async (reviewId: string): Promise<string> =>
  (await gate.client.workflow.getHandle(reviewId).query<{ currentDetails: string }>('__temporal_workflow_metadata'))
    .currentDetails;

describe('search attributes', () => {
  it('follow the review', async () => {
    const { reviewId, handle } = await pending();
    expect(await attributesOf(reviewId)).toEqual(['pending', 'irreversible', 'payouts.create', 'agent-1']);
    await gate.decide(reviewId, { type: 'revise', comment: 'smaller' });
    expect((await attributesOf(reviewId))[0]).toBe('changes_requested');
    await gate.decide(reviewId, { type: 'reject' });
    await handle.result();
    expect(await attributesOf(reviewId)).toEqual(['rejected', 'irreversible', 'payouts.create', 'agent-1']);
  });

  it('tell of calls that never waited, and of those that were blocked', async () => {
    const free = await gate.start({ tool: 'payouts.get', arguments: { id: 'p1' } });
    await free.handle.result();
    expect(await attributesOf(free.reviewId)).toEqual(['not_required', 'reversible', 'payouts.get', 'agent-1']);
    const blocked = await gate.start({ tool: 'nobody.knows.it', arguments: {} });
    await blocked.handle.result();
    expect(await attributesOf(blocked.reviewId)).toEqual(['blocked', 'unknown', 'nobody.knows.it', 'agent-1']);
  });

  it('find reviews in Temporal’s own lists', async () => {
    const { reviewId } = await pending();
    const query = `HoldpointStatus = 'pending' AND HoldpointTool = 'payouts.create' AND WorkflowId = '${reviewId}'`;
    for (let tries = 0; tries < 200; tries += 1) {
      const found = [];
      for await (const { workflowId } of gate.client.workflow.list({ query })) found.push(workflowId);
      if (found.length > 0) return expect(found).toEqual([reviewId]);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('never listed');
  });
});

describe('details', () => {
  it('say what is proposed, by whom, who must decide and until when; and follow the review', async () => {
    const { reviewId, handle } = await pending(CHAIN);
    const { review } = await gate.query(reviewId);
    const details = await detailsOf(reviewId);
    for (const part of [
      'pending',
      'payouts.create',
      'agent',
      'ops',
      'level 1 of 2',
      review?.expiresAt ?? '?',
      'acct',
    ]) {
      expect(details).toContain(part);
    }
    await gate.decide(reviewId);
    await gate.decide(reviewId, { reviewer: 'ops-2' });
    expect(await detailsOf(reviewId)).toContain('level 2 of 2');
    await gate.decide(reviewId, { type: 'reject', reviewer: 'finance-1' });
    await handle.result();
    expect(await detailsOf(reviewId)).toMatch(/^\*\*Rejected by finance-1\*\*\n/);
    expect(await detailsOf(reviewId)).toMatch(/^- [-0-9: ]+ UTC: ops-1 approved \(version 1, level 1, by api\)/m);
  });

  it('begin with what it waits for, and link to the review’s page', async () => {
    const { reviewId } = await pending();
    const details = await detailsOf(reviewId);
    expect(details).toMatch(/^\*\*Waiting for ops, 0 of 1, until [-0-9]+ [0-9:]+ UTC\*\*\n/);
    expect(details).toContain(`[Open the review](<http://127.0.0.1:8080/reviews/${reviewId}>)`);
  });

  it('say what became of the call', async () => {
    gate.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'gone' }));
    const { reviewId } = await gate.start({ tool: 'payouts.close', arguments: { id: 'a-1' } });
    await gate.untilStatus(reviewId, 'pending');
    await gate.decide(reviewId);
    await gate.until(reviewId, ({ review }) => review?.execution.status === 'outcome_unknown');
    gate.answer(() => ({ status: 'executed', body: {} }));
    expect(await detailsOf(reviewId)).toMatch(/^\*\*Approved by ops-1; outcome unknown/);
  });

  it('draw nothing that the proposer chose: neither heading, link, image nor code', async () => {
    const hostile =
      '\n# Approved\n\n[ok](https://example.com) ![x](https://example.com/x.png) `code` <b>b</b> **b** ~~s~~ | a |';
    const { reviewId } = await gate.start({
      tool: 'payouts.create',
      arguments: { account: hostile, amount: 1 },
      reason: `${hostile} \u202e\u200b\u0007`,
    });
    await gate.untilStatus(reviewId, 'pending');
    const details = await detailsOf(reviewId);
    const outside = details
      .split('\n\n')
      .filter((line) => line.startsWith('Arguments') || line.startsWith('The agent'));
    expect(outside).toHaveLength(2);
    for (const line of outside) {
      expect(line.replace(/^Arguments \(revision 1\)/, '')).not.toMatch(/(?<!\\)[[\]`<>*~|_]|(?<!\\):\/\//);
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });

  it('are cut to 20,000 bytes', async () => {
    const { reviewId } = await gate.start({
      tool: 'payouts.create',
      arguments: { account: '🙂'.repeat(30_000), amount: 1 },
    });
    await gate.untilStatus(reviewId, 'pending');
    const details = await detailsOf(reviewId);
    expect(Buffer.byteLength(details)).toBeLessThanOrEqual(20_000);
    expect(Buffer.byteLength(details)).toBeGreaterThan(15_000);
    expect(details).not.toContain('\ufffd');
  });
});

describe('summaries', () => {
  it('name what every timer and every activity is for', async () => {
    const { reviewId, handle } = await pending(plan({ expireAfterMs: HOUR, remindBeforeMs: [60_000] }));
    await gate.decide(reviewId);
    await handle.result();
    const started = [
      ...(await eventsOf(gate.client, reviewId, 'timerStartedEventAttributes')),
      ...(await eventsOf(gate.client, reviewId, 'activityTaskScheduledEventAttributes')),
    ];
    const summaries = started.map((event) => Buffer.from(event.userMetadata?.summary?.data ?? []).toString());
    expect(summaries.length).toBeGreaterThan(1);
    expect(summaries.filter((summary) => summary.length < 5)).toEqual([]);
    expect(summaries).toContain('"Make the call: payouts.create"');
    expect(summaries.some((summary) => summary.startsWith('"Waiting for ops, 0 of 1, until '))).toBe(true);
    const local = await eventsOf(gate.client, reviewId, 'markerRecordedEventAttributes');
    expect(local.length).toBeGreaterThan(1);
    expect(local.filter((event) => (event.userMetadata?.summary?.data?.length ?? 0) < 5)).toEqual([]);
  });
});

describe('what Temporal keeps', () => {
  it('no history holds a credential, nor the words of a sealed argument', async () => {
    const { CREDENTIAL, sealForTest } = await import('../support/gate-fixture.ts');
    gate.answer(() => ({ status: 'executed', body: { echo: `Bearer ${CREDENTIAL}`, memo: 'opened words' } }));
    const reviewId = gate.newReviewId();
    const memo = sealForTest(reviewId, 'payouts.wire', '/memo', 'opened words');
    const { handle } = await gate.start({ tool: 'payouts.wire', arguments: { amount: 1, memo } }, undefined, reviewId);
    await gate.untilStatus(reviewId, 'pending');
    await gate.decide(reviewId);
    expect((await handle.result()).execution.status).toBe('executed');
    const text = JSON.stringify(await handle.fetchHistory(), (key, value: unknown) =>
      key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value,
    );
    const holds = (what: string): boolean => text.includes(what) || text.includes(JSON.stringify(what).slice(1, -1));
    expect(['payouts.wire', '[redacted]', CREDENTIAL, 'opened words'].filter(holds)).toEqual([
      'payouts.wire',
      '[redacted]',
    ]);
  });
});

import type { WorkflowHandle } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createObjectionSweep } from '../../src/activities/objection-sweeps.ts';
import { createSweep, lostReviews } from '../../src/activities/lost-reviews.ts';
import type { TemporalServer } from '../../src/cli/embedded/temporal-server.ts';
import type { ApprovalDecision, ApprovalRequest } from '../../src/contract/in-flow.ts';
import type { Store } from '../../src/ports/store.ts';
import { ASKING_TASK_QUEUE, startAskingWorker } from '../support/asking-worker.ts';
import { makeKey, signerOf } from '../support/keys.ts';
import { connectTo, devServer } from '../support/servers.ts';
import { startHarness, type Harness } from '../support/workflow-harness.ts';
import { level } from './plans.ts';
import { memoryStore } from '../support/databases.ts';

// The time-skipping server has neither parent close policies nor summaries.
let server: TemporalServer;
let env: TestWorkflowEnvironment;
let gate: Harness;
let base: Store;
/** What happens right before the commit that answers a question. */
let beforeAnswer: (reviewId: string) => Promise<void> = async () => undefined;
let stopAsking: (() => Promise<void>) | undefined;

beforeAll(async () => {
  server = await devServer();
  env = await connectTo(server.address);
  base = await memoryStore();
  const commit: Store['commit'] = async (asked) => {
    if (asked.ledger?.to === 'deny' && asked.ledger.reason === 'answered') await beforeAnswer(asked.ledger.reviewId);
    return base.commit(asked);
  };
  gate = await startHarness(env, { now: Date.now, store: { ...base, commit } });
  stopAsking = await startAskingWorker(env);
});
afterAll(async () => {
  await stopAsking?.();
  await gate?.stop();
  await base?.close();
  await env?.teardown();
  await server?.stop();
});

const QUESTION: ApprovalRequest = {
  title: 'Send the newsletter?',
  proposal: { recipients: 1_200 },
  approvers: ['ops'],
  allow: ['approve', 'edit', 'reject', 'respond'],
};

type Asking<T = ApprovalDecision> = WorkflowHandle<() => Promise<T>>;

/** A workflow of somebody else's that asks; `reviewId` is that of its child. */
async function ask(question = QUESTION, workflow = 'asks'): Promise<{ asking: Asking; reviewId: string }> {
  await gate.sync();
  const asking: Asking = await gate.client.workflow.start(workflow, {
    workflowId: `asking-${Math.random()}`,
    taskQueue: ASKING_TASK_QUEUE,
    args: [question],
  });
  const [reviewId = ''] = await questionsOf(asking, 1);
  return { asking, reviewId };
}

/** Review ids of the questions that a workflow has asked, in order, once there are so many. */
async function questionsOf(asking: Pick<Asking, 'fetchHistory'>, count: number): Promise<readonly string[]> {
  for (;;) {
    const { events } = await asking.fetchHistory();
    const started = (events ?? []).flatMap((event) => {
      const id = event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId;
      return typeof id === 'string' ? [id] : [];
    });
    const running = events?.filter((event) => event.childWorkflowExecutionStartedEventAttributes) ?? [];
    if (running.length === count) {
      for (const reviewId of started) await gate.until(reviewId, ({ review }) => review !== null);
      return started;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the commit that answers is the claim', () => {
  const NO = { type: 'reject', reviewer: 'ops-2', comment: 'not now' } as const;
  const asked = async () => {
    const { reviewId, handle } = await gate.ask(QUESTION);
    await gate.untilStatus(reviewId, 'pending');
    const { envelope } = await gate.signDecision(reviewId, NO);
    return { reviewId, handle, no: () => base.objections.object(reviewId, envelope) };
  };
  const REJECTED = { type: 'reject', by: 'ops-2', comment: 'not now' };

  it('a no that was stored, and of which no signal told, comes before a yes', async () => {
    const { reviewId, handle, no } = await asked();
    expect(await no()).toBe('stored');
    expect(await gate.decide(reviewId)).toBe('already_resolved');
    expect(await handle.result()).toMatchObject(REJECTED);
  });

  it.each([{}, { type: 'edit', editedArguments: { recipients: 3 } }] as const)(
    'so does one that is stored while the answer is written: %j',
    async (yes) => {
      const { reviewId, handle, no } = await asked();
      beforeAnswer = async (of) => {
        if (of === reviewId) expect(await no()).toBe('stored');
        beforeAnswer = async () => undefined;
      };
      expect(await gate.decide(reviewId, yes)).toBe('already_resolved');
      expect(await handle.result()).toMatchObject(REJECTED);
    },
  );

  it('a no that the gate refused counts once its reviewer may vote', async () => {
    const { reviewId, handle } = await gate.ask(QUESTION);
    await gate.untilStatus(reviewId, 'pending');
    const { envelope } = await gate.signDecision(reviewId, { ...NO, reviewer: 'finance-1' });
    await base.objections.object(reviewId, envelope);
    expect(await gate.send(reviewId, 'decision', envelope)).toBe('not_an_approver');
    const { reviewers } = gate.settings.current();
    const joined = reviewers.map((one) => (one.id === 'finance-1' ? { ...one, groups: ['ops'] } : one));
    gate.settings.update({ reviewers: joined });
    try {
      expect(await gate.decide(reviewId)).toBe('already_resolved');
      expect(await handle.result()).toMatchObject({ ...REJECTED, by: 'finance-1' });
    } finally {
      gate.settings.update({ reviewers });
    }
  });

  it('a signed no counts, also for a question that allows none, which the api would not have signed', async () => {
    const { reviewId, handle } = await gate.ask({ ...QUESTION, allow: ['approve'] });
    await gate.untilStatus(reviewId, 'pending');
    const { envelope } = await gate.signDecision(reviewId, NO);
    expect(await base.objections.object(reviewId, envelope)).toBe('stored');
    expect(await gate.decide(reviewId)).toBe('already_resolved');
    expect(await handle.result()).toMatchObject(REJECTED);
  });

  it('nothing is answered over one that cannot be read', async () => {
    const { reviewId, handle } = await asked();
    const key = makeKey('review-2');
    const { envelope } = await gate.signDecision(reviewId, { ...NO, signer: signerOf(key) });
    await base.objections.object(reviewId, envelope);
    expect(await gate.decide(reviewId)).toBe('objection_unreadable');
    expect((await gate.query(reviewId)).review?.status).toBe('pending');
    gate.trust.roles.review.push(key);
    expect(await gate.decide(reviewId)).toBe('already_resolved');
    expect(await handle.result()).toMatchObject(REJECTED);
  });

  it('a no whose key was not trusted when it came counts with the next sweep after it is', async () => {
    const { reviewId, handle } = await asked();
    const key = makeKey('review-3');
    const { envelope } = await gate.signDecision(reviewId, { ...NO, signer: signerOf(key) });
    await base.objections.object(reviewId, envelope);
    await gate.signal(reviewId, 'decision', envelope);
    // Behind this one the signal has been dealt with.
    await gate.send(reviewId, 'decision', (await gate.signDecision(reviewId, { reviewer: 'finance-1' })).envelope);
    gate.trust.roles.review.push(key);
    const sweep = createObjectionSweep({
      ...gate.gateDeps,
      store: base,
      clock: { now: () => Date.now() + 60_000 },
      wake: (id, wakeUp) => gate.signal(id, 'decision', wakeUp).catch(() => undefined),
    });
    await sweep();
    await gate.untilStatus(reviewId, 'rejected');
    expect(await handle.result()).toMatchObject(REJECTED);
  });

  it('and it closes the row, however the yes was said', async () => {
    const { reviewId, handle } = await asked();
    await gate.decide(reviewId, { type: 'edit', editedArguments: { recipients: 3 } });
    expect(await handle.result()).toMatchObject({ type: 'edit', proposal: { recipients: 3 } });
    expect((await base.readLedger(reviewId))?.denial?.reason).toBe('answered');
  });
});

describe('requestApprovals', () => {
  const several = async (questions: readonly ApprovalRequest[], ...more: readonly string[]) => {
    await gate.sync();
    const asking: Asking<readonly ApprovalDecision[]> = await gate.client.workflow.start('asksSeveral', {
      workflowId: `asking-${Math.random()}`,
      taskQueue: ASKING_TASK_QUEUE,
      args: [questions, ...more],
    });
    return { asking, reviewIds: await questionsOf(asking, questions.length) };
  };

  it('asks all at once, as one group; answers come in the order of the questions and a no drops no other', async () => {
    const questions = ['a', 'b', 'c'].map((title) => ({ ...QUESTION, title, proposal: { title } }));
    const { asking, reviewIds } = await several(questions);
    const [a = '', b = '', c = ''] = reviewIds;
    const groups = await Promise.all(reviewIds.map(async (id) => (await gate.query(id)).review?.group));
    expect(groups).toEqual([groups[0], groups[0], groups[0]]);
    expect(groups[0]).toMatch(/^grp_/);
    await gate.decide(b, { type: 'reject', comment: 'not b' });
    await gate.decide(c, { type: 'edit', editedArguments: { title: 'd' } });
    await gate.decide(a);
    expect(await asking.result()).toMatchObject([
      { reviewId: a, type: 'approve', proposal: { title: 'a' } },
      { reviewId: b, type: 'reject', comment: 'not b' },
      { reviewId: c, type: 'edit', proposal: { title: 'd' } },
    ]);
  });

  it('under the group that is named; a question’s own goes first', async () => {
    const { asking, reviewIds } = await several([QUESTION, { ...QUESTION, group: 'other' }], 'release-7');
    const groups = await Promise.all(reviewIds.map(async (id) => (await gate.query(id)).review?.group));
    expect(groups).toEqual(['release-7', 'other']);
    for (const reviewId of reviewIds) await gate.decide(reviewId);
    expect((await asking.result()).map(({ type }) => type)).toEqual(['approve', 'approve']);
  });

  it('cancelled, it withdraws those that are open and keeps the answer that came before', async () => {
    const { asking, reviewIds } = await several([QUESTION, QUESTION]);
    await gate.decide(reviewIds[0] ?? '', { type: 'reject', comment: 'no' });
    await gate.client.workflow.getHandle(reviewIds[0] ?? '').result();
    await asking.cancel();
    expect((await asking.result()).map(({ type }) => type)).toEqual(['reject', 'withdrawn']);
  });

  it('nothing asked, nothing to wait for', async () => {
    const { asking } = await several([]);
    expect(await asking.result()).toEqual([]);
  });
});

describe('requestApproval', () => {
  it('a yes comes back with what it is a yes to; no call follows', async () => {
    const before = gate.calls.length;
    const { asking, reviewId } = await ask();
    expect((await gate.query(reviewId)).review).toMatchObject({
      reviewId: expect.stringMatching(/^rev_[0-9A-HJKMNP-TV-Z]{26}$/) as string,
      kind: 'in-flow',
      status: 'pending',
      title: QUESTION.title,
      proposer: { id: `workflow:${asking.workflowId}`, attested: false },
    });
    expect(await gate.decide(reviewId, { comment: 'go' })).toBe('accepted');
    expect(await asking.result()).toEqual({
      reviewId,
      type: 'approve',
      proposal: QUESTION.proposal,
      by: 'ops-1',
      comment: 'go',
    });
    expect(gate.calls.length).toBe(before);
    expect(await gate.store.readLedger(reviewId)).toMatchObject({ state: 'denied', denial: { reason: 'answered' } });
    expect((await gate.store.readReview(reviewId))?.review).toMatchObject({
      status: 'approved',
      execution: { status: 'not_started' },
    });
  });

  it('an edit comes back with the other wording', async () => {
    const { asking, reviewId } = await ask();
    const editedArguments = { recipients: 10 };
    expect(await gate.decide(reviewId, { type: 'edit', editedArguments })).toBe('accepted');
    expect(await asking.result()).toMatchObject({ type: 'edit', proposal: editedArguments, by: 'ops-1' });
  });

  it('a no comes back as a no', async () => {
    const { asking, reviewId } = await ask();
    await gate.decide(reviewId, { type: 'reject', comment: 'no' });
    expect(await asking.result()).toEqual({ reviewId, type: 'reject', by: 'ops-1', comment: 'no' });
  });

  it('an answer comes back instead of a yes, whatever JSON it is', async () => {
    const { asking, reviewId } = await ask();
    expect(await gate.decide(reviewId, { type: 'respond' })).toBe('response_required');
    const response = { to: ['ops@example.com'], at: null, n: 1.5 };
    expect(await gate.decide(reviewId, { type: 'respond', response })).toBe('accepted');
    expect(await asking.result()).toMatchObject({ type: 'respond', response, by: 'ops-1' });
    expect((await gate.store.readReview(reviewId))?.review).toMatchObject({
      status: 'approved',
      resolution: { type: 'respond', response },
      execution: { status: 'not_started' },
    });
  });

  it('what was not allowed is refused', async () => {
    const { reviewId } = await ask({ ...QUESTION, allow: ['approve'] });
    const { review } = await gate.query(reviewId);
    expect(review?.allowedDecisions).toEqual(['approve']);
    expect(await gate.decide(reviewId, { type: 'respond', response: 1 })).toBe('decision_not_allowed');
    expect(await gate.decide(reviewId, { type: 'edit', editedArguments: {} })).toBe('decision_not_allowed');
    expect(await gate.decide(reviewId, { type: 'revise', comment: 'x' })).toBe('decision_not_allowed');
  });

  it('silence is no', async () => {
    const { asking, reviewId } = await ask({ ...QUESTION, ttl: '1s' });
    expect(await asking.result()).toEqual({ reviewId, type: 'expired' });
    expect((await gate.store.readLedger(reviewId))?.denial?.reason).toBe('expired');
  });

  it('chained levels and quorum count as for a call', async () => {
    const { approvers: _, ...rest } = QUESTION;
    const { asking, reviewId } = await ask({ ...rest, levels: [level('a', ['ops'], 2), level('b', ['finance'])] });
    expect(await gate.decide(reviewId, { reviewer: 'finance-1' })).toBe('not_an_approver');
    for (const reviewer of ['ops-1', 'ops-2', 'finance-1']) {
      expect(await gate.decide(reviewId, { reviewer })).toBe('accepted');
    }
    expect(await asking.result()).toMatchObject({ type: 'approve', by: 'finance-1' });
  });

  it.each([
    ['nobody is asked', { approvers: undefined }, '/approvers', 'levels'],
    ['a group is misspelt', { approvers: ['finence'] }, '/approvers/0', 'Did you mean "finance"?'],
    [
      'more have to say yes than there are',
      { approvers: undefined, levels: [level('a', ['finance'], 9)] },
      '/levels/0/quorum',
      'needs 9',
    ],
    ['the time to live is no duration', { ttl: '2 days' }, '/ttl', 'a duration such as 4s, 30m or 24h'],
    [
      'a key is unknown',
      { timeout: '1h' },
      '/timeout',
      'known keys: title, proposal, approvers, levels, separationOfDuties, ttl',
    ],
    ['the proposal is longer than may be kept', { proposal: { text: 'x'.repeat(1_500_000) } }, '', '256 KiB'],
  ])('S7: is blocked where %s, and names the field and the form', async (__, patch, pointer, words) => {
    const { asking } = await ask({ ...QUESTION, ...patch } as ApprovalRequest);
    const errors = [{ pointer, message: expect.stringContaining(words) }];
    expect(await asking.result()).toMatchObject({ type: 'blocked', reasonCodes: ['arguments_invalid'], errors });
  });

  it('S7: is blocked where the worker that asks has a codec, and says so', async () => {
    const encoding = Buffer.from('binary/reversed');
    const codec: PayloadCodec = {
      encode: async (payloads) =>
        payloads.map((payload) => ({
          metadata: { encoding },
          data: Buffer.from(JSON.stringify({ data: [...(payload.data ?? [])].toReversed() })),
        })),
      // What it did not write it leaves as it is.
      decode: async (payloads) => payloads,
    };
    const taskQueue = 'somebody-elses-with-a-codec';
    const stop = await startAskingWorker(env, { taskQueue, dataConverter: { payloadCodecs: [codec] } });
    try {
      const asking = await gate.client.workflow.start('asks', {
        workflowId: `asking-${Math.random()}`,
        taskQueue,
        args: [QUESTION],
      });
      const [reviewId = ''] = await questionsOf(asking as Asking, 1);
      const errors = [{ pointer: '', message: expect.stringContaining('no payload codec') }];
      const child = gate.client.workflow.getHandle(reviewId);
      expect(await child.result()).toMatchObject({ type: 'blocked', reasonCodes: ['arguments_invalid'], errors });
    } finally {
      await stop();
    }
  });

  it('◆ a title longer than a summary may be asks all the same', async () => {
    const { asking, reviewId } = await ask({ ...QUESTION, title: '🙂'.repeat(150) });
    await gate.decide(reviewId);
    expect((await asking.result()).type).toBe('approve');
    const { events } = await asking.fetchHistory();
    const start = events?.find((event) => event.startChildWorkflowExecutionInitiatedEventAttributes);
    const summary = Buffer.from(start?.userMetadata?.summary?.data ?? []).toString();
    expect(Buffer.byteLength(JSON.parse(summary) as string)).toBeLessThanOrEqual(400);
  });

  it('its summary is text, whatever the title would draw', async () => {
    const { asking } = await ask({ ...QUESTION, title: '# [click](https://example.com) ![x](y) `z`' });
    const { events } = await asking.fetchHistory();
    const start = events?.find((event) => event.startChildWorkflowExecutionInitiatedEventAttributes);
    const summary = JSON.parse(Buffer.from(start?.userMetadata?.summary?.data ?? []).toString()) as string;
    // Without brackets, parentheses and `!` draw nothing; `#` does at the beginning of a line.
    expect(summary).not.toMatch(/(?<!\\)[[\]`]|^\s*#/);
  });

  it('reminds and escalates like a call, after an edit too', async () => {
    const { approvers: _, ...rest } = QUESTION;
    const levels = [level('a', ['ops'], 2)];
    const { asking, reviewId } = await ask({
      ...rest,
      levels,
      ttl: '4s',
      remind: ['2s'],
      escalate: { after: '1s', to: ['managers'] },
    });
    await gate.decide(reviewId, { type: 'edit', editedArguments: { recipients: 1 } });
    expect((await asking.result()).type).toBe('expired');
    expect((await gate.remindersOf(reviewId)).map(({ event }) => event)).toEqual(['escalated', 'reminder']);
  });
});

describe('when the asker goes away', () => {
  it('cancelling the scope that waits withdraws the question, and the workflow carries on', async () => {
    const { asking, reviewId } = await ask(QUESTION, 'asksUntilToldOtherwise');
    await asking.signal('giveUp');
    expect(await asking.result()).toEqual({ reviewId, type: 'withdrawn' });
    expect((await gate.store.readReview(reviewId))?.review).toMatchObject({
      status: 'withdrawn',
      resolution: { type: 'withdrawn', by: `workflow:${asking.workflowId}` },
    });
    expect((await gate.store.readLedger(reviewId))?.denial?.reason).toBe('withdrawn');
  });

  it('cancelling the workflow withdraws the question', async () => {
    const { asking, reviewId } = await ask();
    await asking.cancel();
    await asking.result().catch(() => undefined);
    await gate.client.workflow.getHandle(reviewId).result();
    expect((await gate.store.readReview(reviewId))?.review.status).toBe('withdrawn');
  });

  it('a parent that ends cancels the question that nobody waits for any more', async () => {
    const { asking, reviewId } = await ask(QUESTION, 'asksAndLeaves');
    await asking.signal('giveUp');
    await asking.result();
    expect(await gate.client.workflow.getHandle(reviewId).result()).toEqual({ reviewId, type: 'withdrawn' });
    expect((await gate.store.readReview(reviewId))?.review.status).toBe('withdrawn');
  });

  it('a question that is terminated is aborted, which is nobody’s no', async () => {
    const { asking, reviewId } = await ask();
    await gate.client.workflow.getHandle(reviewId).terminate('by an intruder');
    expect(await asking.result()).toEqual({ reviewId, type: 'aborted' });
    await createSweep(lostReviews(async () => undefined))({
      store: gate.store,
      settings: gate.settings,
      clock: { now: () => Date.now() + 60_000 },
      isRunning: async (id) => (await gate.client.workflow.getHandle(id).describe()).status.name === 'RUNNING',
      report: () => undefined,
    });
    expect((await gate.store.readReview(reviewId))?.review.status).toBe('aborted');
  });
});

describe('approvalGate', () => {
  it('may be started by anybody, in whatever language: the answer is its result', async () => {
    const { reviewId, handle } = await gate.ask(QUESTION);
    await gate.untilStatus(reviewId, 'pending');
    expect((await gate.query(reviewId)).review?.proposer.id).toBe('temporal:someone@somewhere');
    await gate.decide(reviewId);
    expect(await handle.result()).toMatchObject({ type: 'approve', by: 'ops-1' });
  });

  it('an answer says nothing about a call: a decision on a question runs nothing', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await gate.ask({
      ...QUESTION,
      proposal: { service: 'payouts', tool: 'payouts.create', arguments: { account: 'acct-1', amount: 1 } },
    });
    await gate.untilStatus(reviewId, 'pending');
    await gate.decide(reviewId);
    await handle.result();
    // The same id as a call: the ledger row is taken.
    const call = await gate.startRaw({ service: 'payouts', tool: 'payouts.get', arguments: { id: 'p1' } }, reviewId);
    await expect(call.handle.result()).rejects.toThrow();
    expect(gate.calls.length).toBe(before);
  });
});

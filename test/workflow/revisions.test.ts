import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import type { ReceiptCode } from '../../src/contract/codes.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import type { Harness } from '../support/workflow-harness.ts';
import { CHAIN, create, HOUR, level, plan, purge } from './plans.ts';
import { harnessForAll } from '../support/harness-hooks.ts';

let gate: Harness;
harnessForAll((made) => ({ gate } = made));
beforeEach(() => {
  gate.settings.setPolicy({ approval: ONE_OF_OPS });
  gate.answerPreview(() => ({ ok: true, facts: [], sourceHash: `sha256:${'5'.repeat(64)}` }));
});

async function pending(call: { tool: string; arguments: JsonObject } = create(), approval = ONE_OF_OPS) {
  gate.settings.setPolicy({ approval });
  const started = await gate.start(call);
  await gate.until(started.reviewId, ({ review }) => (review?.call.digest ?? null) !== null);
  return started;
}

const edit = (reviewId: string, editedArguments: JsonObject, reviewer = 'ops-1'): Promise<ReceiptCode> =>
  gate.decide(reviewId, { type: 'edit', editedArguments, reviewer });

const shown = async (reviewId: string) => {
  const { review } = await gate.query(reviewId);
  if (review === null) throw new Error('no review');
  return review;
};

describe('edit', () => {
  it('is a yes to other arguments: they run, under a digest of their own, and the record says so', async () => {
    const { reviewId, handle } = await pending();
    const first = await gate.digestOf(reviewId);
    expect(await edit(reviewId, { account: 'acct-1', amount: 50 })).toBe('accepted');
    const review = await handle.result();
    expect(review).toMatchObject({
      status: 'approved',
      revision: 2,
      resolution: { type: 'approve', by: 'ops-1', edited: true },
      execution: { status: 'executed', edited: true },
    });
    expect(review.call.digest).not.toBe(first);
    expect(review.revisions[0]?.call).toMatchObject({ digest: first, arguments: null });
    expect(gate.calls.at(-1)?.arguments).toEqual({ account: 'acct-1', amount: 50 });
    expect(await gate.entryTypes(reviewId)).toEqual(
      expect.arrayContaining(['proposed', 'classified', 'decided', 'revised', 'started', 'finished']),
    );
    const record = await gate.store.readRecord(reviewId);
    expect(record?.materials.map(({ revision }) => revision)).toEqual([1, 2]);
  });

  it('voids all votes and starts again at level one, where the editor counts once', async () => {
    const { reviewId, handle } = await pending(create(), CHAIN);
    await gate.decide(reviewId, { reviewer: 'ops-1' });
    await gate.decide(reviewId, { reviewer: 'ops-2' });
    expect((await shown(reviewId)).level).toBe(2);
    expect(await edit(reviewId, { account: 'acct-1', amount: 7 }, 'both-1')).toBe('accepted');
    const revised = await shown(reviewId);
    expect(revised).toMatchObject({ status: 'pending', revision: 2, level: 1 });
    expect(revised.levels[0]?.decisions.map(({ reviewer, type }) => [reviewer, type])).toEqual([['both-1', 'edit']]);
    // It was cast as finance, on the second level; it counts on the first.
    expect(revised.levels[1]?.decisions).toEqual([]);
    expect(await gate.decide(reviewId, { reviewer: 'both-1' })).toBe('already_voted');
    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('accepted');
    expect(await gate.decide(reviewId, { reviewer: 'finance-1' })).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
    expect(gate.calls.at(-1)?.arguments).toEqual({ account: 'acct-1', amount: 7 });
  });

  it('does not count where the editor may not vote on the new revision', async () => {
    const { reviewId, handle } = await pending();
    gate.settings.setPolicy({ approval: plan({ levels: [level('money', ['finance'])] }) });
    expect(await edit(reviewId, { account: 'acct-1', amount: 5_000 })).toBe('accepted');
    const revised = await shown(reviewId);
    expect(revised).toMatchObject({ status: 'pending', revision: 2, level: 1 });
    expect(revised.levels[0]?.decisions).toEqual([]);
    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('not_an_approver');
    expect(await gate.decide(reviewId, { reviewer: 'finance-1' })).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
  });

  it('never counts under separation of duties, nor does a second click of the editor', async () => {
    const { reviewId, handle } = await pending(create(), plan({ separationOfDuties: true }));
    expect(await edit(reviewId, { account: 'acct-1', amount: 5 })).toBe('accepted');
    expect((await shown(reviewId)).levels[0]?.decisions).toEqual([]);
    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('self_approval');
    expect(await gate.decide(reviewId, { reviewer: 'ops-2' })).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
  });

  it('does not count where the evidence changed with it: nobody has seen that yet', async () => {
    gate.answerPreview(({ arguments: args }) => ({
      ok: true,
      facts: [{ name: 'rows', label: 'Rows', value: args['before'] === '2025-01-01' ? 9_000 : 1_247 }],
      sourceHash: null,
    }));
    const { reviewId, handle } = await pending(purge('2024-01-01'));
    expect((await shown(reviewId)).evidence[0]?.facts[0]?.value).toBe(1_247);
    expect(await edit(reviewId, { before: '2025-01-01' })).toBe('accepted');
    const revised = await shown(reviewId);
    expect(revised).toMatchObject({ status: 'pending', revision: 2 });
    expect(revised.evidence[0]?.facts[0]?.value).toBe(9_000);
    expect(revised.levels[0]?.decisions).toEqual([]);
    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
  });

  it('counts where the evidence is as it was, whenever it was gathered', async () => {
    const { reviewId, handle } = await pending(purge('2024-01-01'));
    expect(await edit(reviewId, { before: '2023-01-01' })).toBe('accepted');
    expect(await handle.result()).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
  });

  it('that is not valid leaves the review as it was', async () => {
    const { reviewId, handle } = await pending(create(), CHAIN);
    await gate.decide(reviewId, { reviewer: 'ops-1' });
    const before = await shown(reviewId);
    expect(await edit(reviewId, { account: 'acct-1', amount: -1 }, 'ops-2')).toBe('edit_invalid');
    expect(await edit(reviewId, { account: 'acct-1', amount: 1, tool: 'payouts.get' }, 'ops-2')).toBe('edit_invalid');
    expect(await shown(reviewId)).toEqual(before);
    expect(await gate.decide(reviewId, { reviewer: 'ops-2' })).toBe('accepted');
    expect(await gate.decide(reviewId, { reviewer: 'finance-1' })).toBe('accepted');
    expect((await handle.result()).revision).toBe(1);
  });

  it('cannot change the tool: the new revision is one of the same tool, whatever the arguments say', async () => {
    const { reviewId, handle } = await pending(purge());
    expect(await edit(reviewId, { before: 'x', tool: 'payouts.get', service: 'payouts' })).toBe('accepted');
    const review = await handle.result();
    expect(review.call.tool).toBe('payouts.purge');
    expect(gate.calls.at(-1)?.tool.name).toBe('payouts.purge');
  });

  it('stays held where the new arguments alone would need no decision', async () => {
    const big = { name: 'big', when: ({ arguments: args }: { arguments: JsonObject }) => Number(args['amount']) > 10 };
    const { reviewId } = await pending(create(), CHAIN);
    gate.settings.setPolicy({ approval: CHAIN, rules: [{ ...big, class: 'irreversible' }] });
    expect(await edit(reviewId, { account: 'acct-1', amount: 1 })).toBe('accepted');
    expect(await shown(reviewId)).toMatchObject({ status: 'pending', gate: 'hard', revision: 2 });
  });

  it('that selects a shorter time to live shortens the deadline; a longer one does not move it', async () => {
    const { reviewId, handle } = await pending(create(), CHAIN);
    const deadline = (await shown(reviewId)).expiresAt ?? '';
    gate.settings.setPolicy({ approval: { ...CHAIN, expireAfterMs: 72 * HOUR } });
    expect(await edit(reviewId, { account: 'acct-1', amount: 2 })).toBe('accepted');
    expect((await shown(reviewId)).expiresAt).toBe(deadline);
    gate.settings.setPolicy({ approval: { ...CHAIN, expireAfterMs: 2 * HOUR } });
    expect(await edit(reviewId, { account: 'acct-1', amount: 3 }, 'ops-2')).toBe('accepted');
    const shorter = (await shown(reviewId)).expiresAt ?? '';
    expect(Date.parse(shorter)).toBe(Date.parse(deadline) - 22 * HOUR);
    expect((await gate.store.readLedger(reviewId))?.expiresAt).toBe(shorter);
    const review = await handle.result();
    expect(review.status).toBe('expired');
    expect(Date.parse(review.resolvedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(shorter));
    expect(Date.parse(review.resolvedAt ?? '')).toBeLessThan(Date.parse(deadline));
  });

  it('brings the reminders and the escalation of the approval that it selects', async () => {
    const { reviewId, handle } = await pending();
    gate.settings.setPolicy({
      approval: plan({
        levels: [level('money', ['finance'])],
        remindBeforeMs: [HOUR],
        escalate: { afterMs: 2 * HOUR, to: ['managers'] },
      }),
    });
    expect(await edit(reviewId, { account: 'acct-1', amount: 4 })).toBe('accepted');
    await handle.result();
    const due = (await gate.remindersOf(reviewId)).map(({ event, recipients }) => [event, recipients]);
    expect(due).toEqual([
      ['escalated', ['finance', 'managers']],
      ['reminder', ['finance', 'managers']],
    ]);
  });
});

describe('revise', () => {
  it('asks the proposer for changes and starts again with what comes back', async () => {
    const { reviewId, handle } = await pending(create(), CHAIN);
    await gate.decide(reviewId, { reviewer: 'ops-1' });
    expect(await gate.decide(reviewId, { reviewer: 'ops-2', type: 'revise', comment: 'smaller' })).toBe('accepted');
    const asked = await shown(reviewId);
    expect(asked).toMatchObject({
      status: 'changes_requested',
      feedback: { by: 'ops-2', comment: 'smaller' },
      allowedDecisions: ['reject'],
    });
    expect(await gate.decide(reviewId, { reviewer: 'both-1' })).toBe('decision_not_allowed');
    const revision = gate.revise(reviewId, asked.call.digest ?? '', { account: 'acct-1', amount: 9 });
    expect(await gate.send(reviewId, 'revision', revision)).toBe('accepted');
    expect(await shown(reviewId)).toMatchObject({ status: 'pending', revision: 2, level: 1, feedback: null });
    for (const reviewer of ['ops-1', 'ops-2', 'finance-1']) {
      expect(await gate.decide(reviewId, { reviewer })).toBe('accepted');
    }
    expect(await handle.result()).toMatchObject({ execution: { status: 'executed' }, resolution: { edited: false } });
    expect(gate.calls.at(-1)?.arguments).toEqual({ account: 'acct-1', amount: 9 });
  });

  it('refuses a revision that nobody asked for, of another digest, of another proposer, or that is not valid', async () => {
    const { reviewId } = await pending();
    const digest = await gate.digestOf(reviewId);
    const args = { account: 'acct-1', amount: 9 };
    expect(await gate.send(reviewId, 'revision', gate.revise(reviewId, digest, args))).toBe('not_awaiting_revision');
    await gate.decide(reviewId, { type: 'revise', comment: 'smaller' });
    const wrong = `sha256:${'0'.repeat(64)}`;
    expect(await gate.send(reviewId, 'revision', gate.revise(reviewId, wrong, args))).toBe('digest_mismatch');
    expect(await gate.send(reviewId, 'revision', gate.revise(reviewId, digest, {}))).toBe('revision_invalid');
    const other = gate.revise(reviewId, digest, args, { proposer: 'agent-2' });
    await gate.signal(reviewId, 'revision', other);
    // The review key signs decisions, not revisions.
    await gate.signal(reviewId, 'revision', gate.revise(reviewId, digest, args, { signer: gate.signers.review }));
    expect(await gate.send(reviewId, 'revision', gate.revise(reviewId, digest, args))).toBe('accepted');
    expect(await shown(reviewId)).toMatchObject({ status: 'pending', revision: 2 });
    expect(Object.values((await gate.query(reviewId)).receipts)).not.toContain('envelope_invalid');
  });

  it('may be answered with a no', async () => {
    const { reviewId, handle } = await pending();
    await gate.decide(reviewId, { type: 'revise', comment: 'smaller' });
    expect(await gate.decide(reviewId, { reviewer: 'ops-2', type: 'reject' })).toBe('accepted');
    expect((await handle.result()).status).toBe('rejected');
  });

  it('ends at twenty versions; the twenty-first is refused and the review can still be decided', async () => {
    const { reviewId, handle } = await pending();
    for (let n = 2; n <= 20; n += 1) {
      expect(await gate.decide(reviewId, { type: 'revise', comment: 'again' })).toBe('accepted');
      const revision = gate.revise(reviewId, await gate.digestOf(reviewId), { account: 'acct-1', amount: n });
      expect(await gate.send(reviewId, 'revision', revision)).toBe('accepted');
    }
    expect((await shown(reviewId)).revision).toBe(20);
    expect(await edit(reviewId, { account: 'acct-1', amount: 21 })).toBe('too_many_revisions');
    expect(await gate.decide(reviewId, { type: 'revise', comment: 'again' })).toBe('accepted');
    const last = gate.revise(reviewId, await gate.digestOf(reviewId), { account: 'acct-1', amount: 21 });
    expect(await gate.send(reviewId, 'revision', last)).toBe('too_many_revisions');
    expect(await gate.decide(reviewId, { type: 'reject' })).toBe('accepted');
    const review = await handle.result();
    expect(review).toMatchObject({ status: 'rejected', revision: 20 });
    // Older versions are shown by digest alone, or the state would outgrow what a query may return.
    expect(review.revisions.slice(0, -1).every(({ call }) => call.arguments === null && call.digest !== null)).toBe(
      true,
    );
  });
});

describe('withdraw', () => {
  it('ends a review that waits, and the ledger says so', async () => {
    const { reviewId, handle } = await pending();
    const envelope = gate.withdraw(reviewId, await gate.digestOf(reviewId));
    expect(await gate.send(reviewId, 'withdrawal', envelope)).toBe('accepted');
    expect(await handle.result()).toMatchObject({
      status: 'withdrawn',
      resolution: { type: 'withdrawn', by: 'agent-1', retryable: true },
      execution: { status: 'not_started' },
    });
    expect((await gate.store.readLedger(reviewId))?.denial?.reason).toBe('withdrawn');
  });

  it('is for the proposer alone, and on the digest that is open', async () => {
    const { reviewId } = await pending();
    const digest = await gate.digestOf(reviewId);
    await gate.signal(reviewId, 'withdrawal', gate.withdraw(reviewId, digest, { proposer: 'agent-2' }));
    await gate.signal(reviewId, 'withdrawal', gate.withdraw(reviewId, digest, { signer: gate.signers.review }));
    const stale = gate.withdraw(reviewId, `sha256:${'0'.repeat(64)}`);
    expect(await gate.send(reviewId, 'withdrawal', stale)).toBe('digest_mismatch');
    expect((await shown(reviewId)).status).toBe('pending');
  });

  it('is possible while changes are asked for', async () => {
    const { reviewId, handle } = await pending();
    await gate.decide(reviewId, { type: 'revise', comment: 'smaller' });
    const envelope = gate.withdraw(reviewId, await gate.digestOf(reviewId));
    expect(await gate.send(reviewId, 'withdrawal', envelope)).toBe('accepted');
    expect((await handle.result()).status).toBe('withdrawn');
  });
});

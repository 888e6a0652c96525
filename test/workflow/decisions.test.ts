import { beforeEach, describe, expect, it } from 'vitest';
import { makeKey, signerOf } from '../support/keys.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import type { Harness } from '../support/workflow-harness.ts';
import { CHAIN, create, level, plan } from './plans.ts';
import { harnessForAll } from '../support/harness-hooks.ts';

let gate: Harness;
harnessForAll((made) => ({ gate } = made));
beforeEach(() => gate.settings.setPolicy({ approval: ONE_OF_OPS }));

/** A review that waits, under an approval of its own. */
async function pending(approval = ONE_OF_OPS, proposer?: string) {
  gate.settings.setPolicy({ approval });
  const started = await gate.start(create(), proposer);
  await gate.untilStatus(started.reviewId, 'pending');
  return started;
}

describe('levels and quorum', () => {
  it('asks level after level, each with its quorum, and runs after the last yes only', async () => {
    const before = gate.calls.length;
    const { reviewId, handle } = await pending(CHAIN);

    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('accepted');
    expect((await gate.query(reviewId)).review).toMatchObject({ status: 'pending', level: 1 });
    expect(await gate.decide(reviewId, { reviewer: 'ops-2' })).toBe('accepted');
    const second = (await gate.query(reviewId)).review;
    expect(second).toMatchObject({ status: 'pending', level: 2 });
    expect(second?.levels.map(({ status }) => status)).toEqual(['passed', 'open']);
    expect(gate.calls.length).toBe(before);

    expect(await gate.decide(reviewId, { reviewer: 'finance-1' })).toBe('accepted');
    const review = await handle.result();
    expect(review).toMatchObject({ status: 'approved', execution: { status: 'executed' } });
    expect(review.levels.map(({ decisions }) => decisions.map(({ reviewer }) => reviewer))).toEqual([
      ['ops-1', 'ops-2'],
      ['finance-1'],
    ]);
    expect(gate.calls.length).toBe(before + 1);
  });

  it.each([
    ['somebody of another group', 'finance-1'],
    ['an auditor, whatever the groups', 'audit-1'],
    ['nobody we know', 'stranger-1'],
  ])('does not count %s', async (_, reviewer) => {
    const { reviewId } = await pending(CHAIN);
    expect(await gate.decide(reviewId, { reviewer })).toBe('not_an_approver');
    expect((await gate.query(reviewId)).review?.levels[0]?.decisions).toEqual([]);
  });

  it('takes the groups from the directory in force, not from when the review began', async () => {
    const { reviewId } = await pending();
    const { reviewers } = gate.settings.current();
    gate.settings.update({ reviewers: reviewers.filter(({ id }) => id !== 'ops-1') });
    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('not_an_approver');
    gate.settings.update({ reviewers });
    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('accepted');
  });

  it('verifies with the keys in force: a key that was replaced while the review waited signs nothing any more', async () => {
    const { reviewId } = await pending();
    const { roles } = gate.trust;
    const { review: before } = roles;
    const next = makeKey('review-2');
    roles.review = [next];
    const old = await gate.signDecision(reviewId);
    await gate.signal(reviewId, 'decision', old.envelope);
    expect(await gate.decide(reviewId, { reviewer: 'ops-2', signer: signerOf(next) })).toBe('accepted');
    roles.review = before;
    expect((await gate.query(reviewId)).receipts).not.toHaveProperty(old.decisionUlid);
  });

  it('a vote for one level does not count on the next', async () => {
    const approval = plan({ levels: [level('first', ['ops']), level('second', ['ops'])] });
    const { reviewId } = await pending(approval);
    const early = await gate.signDecision(reviewId, { reviewer: 'ops-2', level: 2 });
    expect(await gate.send(reviewId, 'decision', early.envelope)).toBe('digest_mismatch');
    expect((await gate.query(reviewId)).review?.level).toBe(1);
  });
});

describe('separation of duties', () => {
  const apart = plan({
    separationOfDuties: true,
    levels: [level('first', ['ops']), level('second', ['ops', 'finance'])],
  });

  it('bars the owner of the proposing agent', async () => {
    const { reviewId } = await pending(apart);
    expect(await gate.decide(reviewId, { reviewer: 'ops-3' })).toBe('self_approval');
  });

  it('bars who voted on an earlier level, and lets everybody else', async () => {
    const { reviewId, handle } = await pending(apart);
    expect(await gate.decide(reviewId, { reviewer: 'both-1' })).toBe('accepted');
    expect(await gate.decide(reviewId, { reviewer: 'both-1' })).toBe('self_approval');
    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
  });

  it('switched off, the same person may vote on both levels, and the owner too', async () => {
    const { reviewId, handle } = await pending({ ...apart, separationOfDuties: false });
    expect(await gate.decide(reviewId, { reviewer: 'ops-3' })).toBe('accepted');
    expect(await gate.decide(reviewId, { reviewer: 'ops-3' })).toBe('accepted');
    expect((await handle.result()).execution.status).toBe('executed');
  });
});

describe('one no, one vote, one digest', () => {
  it('one no ends it, whatever yeses came before, and later votes hear so', async () => {
    const { reviewId, handle } = await pending(CHAIN);
    await gate.decide(reviewId, { reviewer: 'ops-1' });
    const yes = await gate.signDecision(reviewId, { reviewer: 'ops-2' });
    const no = await gate.signDecision(reviewId, { reviewer: 'ops-2', type: 'reject' });
    await gate.signal(reviewId, 'decision', no.envelope);
    await gate.signal(reviewId, 'decision', yes.envelope).catch(() => undefined);
    const review = await handle.result();
    expect(review).toMatchObject({ status: 'rejected', execution: { status: 'not_started' } });
    const { receipts } = await gate.query(reviewId);
    expect(receipts[no.decisionUlid]).toBe('accepted');
    // It came in time to be answered, or the workflow had ended; it never counts.
    expect([undefined, 'already_resolved']).toContain(receipts[yes.decisionUlid]);
    expect((await gate.store.readLedger(reviewId))?.denial?.reason).toBe('rejected');
  });

  it('nobody votes twice', async () => {
    const { reviewId } = await pending(CHAIN);
    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('accepted');
    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('already_voted');
    expect((await gate.query(reviewId)).review?.levels[0]?.decisions).toHaveLength(1);
  });

  it('the same envelope twice is one vote and one receipt', async () => {
    const { reviewId } = await pending(CHAIN);
    const { decisionUlid, envelope } = await gate.signDecision(reviewId);
    for (let n = 0; n < 3; n += 1) await gate.signal(reviewId, 'decision', envelope);
    expect(await gate.receiptOf(reviewId, decisionUlid)).toBe('accepted');
    expect(await gate.decide(reviewId, { reviewer: 'ops-1' })).toBe('already_voted');
    const { review, receipts } = await gate.query(reviewId);
    expect(review?.levels[0]?.decisions).toHaveLength(1);
    expect(receipts[decisionUlid]).toBe('accepted');
  });

  it.each([
    ['another digest', { digest: `sha256:${'0'.repeat(64)}` }, 'digest_mismatch'],
    ['another revision', { revision: 2 }, 'digest_mismatch'],
    ['a request for changes without words', { type: 'revise', comment: ' ' }, 'comment_required'],
    ['an answer instead of a yes', { type: 'respond', response: 1 }, 'decision_not_allowed'],
    ['an edit without arguments', { type: 'edit' }, 'edit_invalid'],
  ] as const)('refuses %s', async (_, decision, code) => {
    const { reviewId } = await pending();
    expect(await gate.decide(reviewId, decision)).toBe(code);
    expect((await gate.query(reviewId)).review).toMatchObject({ status: 'pending', revision: 1 });
    expect(await gate.entryTypes(reviewId)).not.toContain('decided');
  });

  it('an envelope of another review or of another deployment gets no receipt and does nothing', async () => {
    const one = await pending();
    const other = await pending();
    const digest = await gate.digestOf(one.reviewId);
    const foreign = await gate.signDecision(other.reviewId);
    await gate.signal(one.reviewId, 'decision', foreign.envelope);
    const abroad = await gate.signDecision(one.reviewId, { deploymentId: 'another-deployment', digest });
    await gate.signal(one.reviewId, 'decision', abroad.envelope);
    expect(await gate.decide(one.reviewId)).toBe('accepted');
    const review = await one.handle.result();
    expect(review.revisions[0]?.decisions).toHaveLength(1);
    expect(Object.keys((await gate.query(one.reviewId)).receipts)).toHaveLength(1);
  });
});

describe('receipts', () => {
  it('◆ signal, then ask for the receipt: it comes for every vote, however many are sent at once', async () => {
    const { reviewId } = await pending(plan({ levels: [level('approval', ['ops'], 4)] }));
    const votes = await Promise.all(
      ['ops-1', 'ops-2', 'finance-1', 'audit-1', 'both-1'].map((reviewer) => gate.signDecision(reviewId, { reviewer })),
    );
    await Promise.all(votes.map(({ envelope }) => gate.signal(reviewId, 'decision', envelope)));
    const codes = [];
    for (const { decisionUlid } of votes) codes.push(await gate.receiptOf(reviewId, decisionUlid));
    expect(codes.toSorted()).toEqual(['accepted', 'accepted', 'accepted', 'not_an_approver', 'not_an_approver']);
  });

  it('keeps the last 200', async () => {
    const { reviewId } = await pending();
    const refused = await Promise.all(
      Array.from({ length: 205 }, () => gate.signDecision(reviewId, { reviewer: 'finance-1' })),
    );
    for (const { envelope } of refused) await gate.signal(reviewId, 'decision', envelope);
    const last = refused.at(-1)?.decisionUlid ?? '';
    expect(await gate.receiptOf(reviewId, last)).toBe('not_an_approver');
    const { receipts } = await gate.query(reviewId);
    expect(Object.keys(receipts)).toEqual(refused.slice(-200).map(({ decisionUlid }) => decisionUlid));
  });
});

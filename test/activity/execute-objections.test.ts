import { describe, expect, it } from 'vitest';
import { createObjectionSweep, stopObjectedCalls } from '../../src/activities/objection-sweeps.ts';
import { LIMITS } from '../../src/contract/constants.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Review } from '../../src/contract/review.ts';
import type { Store } from '../../src/ports/store.ts';
import { REVIEWERS, type DecideOptions, type GateFixture } from '../support/gate-fixture.ts';
import { EXECUTED, later, type Journey } from '../support/gate-journey.ts';
import { makeKey, signerOf } from '../support/keys.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';

let store: Store;
let gate: GateFixture;
let steps: Steps;
// The database has its own clock, which says when an objection was stored.
gateForEach((made) => ({ store, gate, steps } = made), { now: () => Date.now() });

const CLOSE: JsonObject = { id: 'a-1' };
const OPS_THEN_FINANCE = {
  ...ONE_OF_OPS,
  separationOfDuties: true,
  levels: [
    { name: 'operations', approvers: ['ops'], quorum: 1 },
    { name: 'finance', approvers: ['finance'], quorum: 1 },
  ],
};
const postponed = (code: string) => ({ failure: later(code), sent: 0, state: 'open' });
const STOPPED = { status: 'failed', error: { code: 'stopped' }, startedAt: null };

const reject = (journey: Journey, said: Partial<DecideOptions> = {}) =>
  gate.decide(journey.reviewId, {
    type: 'reject',
    digest: journey.digest,
    revision: journey.input.material.revision,
    reviewer: 'ops-2',
    ...said,
  });
const object = async (journey: Journey, said: Partial<DecideOptions> = {}) => {
  expect(await store.objections.object(journey.reviewId, reject(journey, said))).toBe('stored');
};
const typesOf = async ({ reviewId }: Journey) => (await store.entriesOf(reviewId)).map(({ entry }) => entry.type);
const executionOf = async ({ reviewId }: Journey) => (await store.readReview(reviewId))?.review.execution;

/** What the gate has the lists show meanwhile. */
async function show({ reviewId }: Journey, patch: Partial<Review>) {
  const stored = await store.readReview(reviewId);
  if (stored === undefined) throw new Error('no such review');
  const review = { ...stored.review, ...patch };
  await store.commit({ entries: [], review: { kind: 'state', review, envelopes: [], materials: [] } });
}

/** It ran: whatever is stored against it does not stand. */
async function expectExecuted(journey: Journey) {
  expect(await steps.attempt(journey.input)).toEqual(EXECUTED);
  expect(gate.calls).toHaveLength(1);
}

async function expectStopped(journey: Journey) {
  await steps.attempt(journey.input);
  expect(await executionOf(journey)).toMatchObject(STOPPED);
  expect((await store.readLedger(journey.reviewId))?.denial?.reason).toBe('stopped');
  expect(gate.calls).toHaveLength(0);
  expect(await typesOf(journey)).not.toContain('started');
}

describe('a reject that was stored before the claim', () => {
  it('stops the call, also after the last yes, with an entry of its own', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    await object(journey, { comment: 'the wrong account' });
    await expectStopped(journey);
    expect(await executionOf(journey)).toMatchObject({ stopped: { by: 'ops-2', comment: 'the wrong account' } });
    const { entry } = (await store.entriesOf(journey.reviewId)).at(-1) ?? {};
    expect(entry).toMatchObject({ type: 'objected', reviewer: 'ops-2', digest: journey.digest });
    // Another attempt, with whatever envelopes, finds it denied.
    await steps.attempt(journey.input);
    expect(gate.calls).toHaveLength(0);
  });

  it.each<[string, Partial<DecideOptions>]>([
    ['of whoever said yes before', { reviewer: 'ops-1' }],
    ['of the proposer’s owner, under separation of duties', { reviewer: 'ops-3' }],
    ['signed on a level that has closed since', { level: 2, reviewer: 'finance-1' }],
  ])('stops it, %s', async (_who, said) => {
    gate.settings.setPolicy({ approval: OPS_THEN_FINANCE });
    const first = await steps.decide(await steps.open('payouts.close', CLOSE));
    const journey = await steps.decide(first, { reviewer: 'finance-2', level: 2 });
    await object(journey, said);
    await expectStopped(journey);
  });

  it('stops it by the levels in force too', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    const both = { name: 'both', approvers: ['ops', 'managers'], quorum: 1 };
    gate.settings.setPolicy({ approval: { ...ONE_OF_OPS, levels: [both] } });
    await object(journey, { reviewer: 'manager-1' });
    await expectStopped(journey);
  });

  it.each<[string, Partial<DecideOptions>]>([
    ['of nobody who may vote', { reviewer: 'finance-1' }],
    ['of an auditor', { reviewer: 'audit-1' }],
    ['on another digest', { digest: `sha256:${'9'.repeat(64)}` }],
    ['that is a request for changes', { type: 'revise', comment: 'smaller' }],
    ['of another deployment', { deploymentId: 'other' }],
  ])('does not, %s', async (_who, said) => {
    const journey = await steps.approved('payouts.close', CLOSE);
    await object(journey, said);
    await expectExecuted(journey);
  });

  it('does not, from a reviewer who has left', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    await object(journey);
    gate.settings.update({ reviewers: REVIEWERS.filter(({ id }) => id !== 'ops-2') });
    await expectExecuted(journey);
  });

  it('makes the claim wait where it does not verify, until it does', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    const key = makeKey('review-2');
    await object(journey, { signer: signerOf(key) });
    expect(await steps.attempt(journey.input)).toEqual(postponed('objection_unreadable'));
    expect((await store.readLedger(journey.reviewId))?.state).toBe('open');
    const isUnreadable = async () => (await store.objections.ofReview(journey.reviewId, 1))[0]?.unreadable;
    await stopObjectedCalls(gate.executeDeps());
    expect([await isUnreadable(), await store.objections.countUnreadable()]).toEqual([true, expect.any(Number)]);
    gate.trust.roles.review.push(key);
    await stopObjectedCalls(gate.executeDeps());
    expect(await isUnreadable()).toBe(false);
    await expectStopped(journey);
  });

  it('that comes while the claim is written makes it judge again', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    let first = true;
    const racing: Store = {
      ...store,
      commit: async (commit) => {
        if (commit.ledger?.to === 'claim' && first) {
          first = false;
          await object(journey);
        }
        return store.commit(commit);
      },
    };
    expect(await steps.attempt(journey.input, { store: racing })).toEqual(postponed('not_open'));
    await expectStopped(journey);
  });
});

describe('while an approved call waits', () => {
  it('the execute worker stops it at once, also frozen', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    await show(journey, { status: 'approved', resolvedAt: new Date().toISOString() });
    gate.settings.update({ freeze: ['payouts.*'] });
    expect(await steps.attempt(journey.input)).toEqual(postponed('frozen'));
    expect(await stopObjectedCalls(gate.executeDeps())).toBe(0);
    await object(journey);
    expect(await stopObjectedCalls(gate.executeDeps())).toBe(1);
    expect(await executionOf(journey)).toMatchObject(STOPPED);
    gate.settings.update({ freeze: [] });
    await expectStopped(journey);
  });
});

describe('beyond the objections that a proof carries', () => {
  it('none is judged, by claim or sweep, and the call is not made', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    await show(journey, { status: 'approved', resolvedAt: new Date().toISOString() });
    for (let n = 0; n < LIMITS.objections; n += 1) await object(journey, { reviewer: 'finance-1', comment: String(n) });
    await object(journey);
    expect(await steps.attempt(journey.input)).toEqual(postponed('objection_unreadable'));
    expect(await stopObjectedCalls(gate.executeDeps())).toBe(0);
    expect(gate.calls).toHaveLength(0);
    expect(await typesOf(journey)).not.toContain('objected');
  });
});

describe('the gate’s sweep', () => {
  it('wakes the gate of a review whose signal never came, rarer each time, and tells of what lapsed', async () => {
    let now = Date.now() + 60_000;
    const woken: string[] = [];
    const sweep = createObjectionSweep({
      store,
      settings: gate.settings,
      verifier: gate.verifier,
      clock: { now: () => now },
      wake: async (reviewId) => void woken.push(reviewId),
    });
    const waiting = await steps.open('payouts.close', CLOSE);
    await object(waiting);
    await sweep();
    await sweep();
    expect(woken).toEqual([waiting.reviewId]);
    now += 4_000;
    await sweep();
    expect(woken).toHaveLength(2);
    now += 4_000;
    await sweep();
    expect(woken).toHaveLength(2);

    const journey = await steps.open('payouts.close', CLOSE);
    await object(journey);
    await show(journey, { revision: 2 });
    await sweep();
    await sweep();
    const told = (await store.entriesOf(journey.reviewId)).flatMap(({ entry }) =>
      entry.type === 'notified' ? [[entry.event, entry.recipients]] : [],
    );
    expect(told).toEqual([['lapsed', ['ops-2']]]);
    expect(woken).not.toContain(journey.reviewId);
  });
});

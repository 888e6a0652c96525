import { describe, expect, it } from 'vitest';
import { stopObjectedCalls } from '../../src/activities/objection-sweeps.ts';
import { createSweep, lostReviews } from '../../src/activities/lost-reviews.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { ConnectorResult } from '../../src/ports/connector.ts';
import type { Commit, Store } from '../../src/ports/store.ts';
import { checkOrder } from '../../src/domain/proof/proof-history.ts';
import type { GateFixture } from '../support/gate-fixture.ts';
import { EXECUTED, later, never, type Journey } from '../support/gate-journey.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';

let store: Store;
let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ store, gate, steps } = made));

const CLOSE: JsonObject = { id: 'a-1' };
const CREATE: JsonObject = { account: 'a-1', amount: 5 };
const HOUR = 3_600_000;
const BUSY = {
  status: 'failed',
  code: 'upstream_rejected',
  message: 'The target answered 429',
  upstreamStatus: 429,
  isDeferrable: true,
  retryAfterMs: 20_000,
} as const satisfies ConnectorResult;
const LOST: ConnectorResult = { status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' };
const DONE: ConnectorResult = { status: 'executed', body: {} };

const DEFERRED = { failure: later('deferred'), sent: 1, state: 'deferred' };
const WAITING = { ...DEFERRED, sent: 0 };

const executionOf = async ({ reviewId }: Journey) => (await store.readReview(reviewId))?.review.execution;
const typesOf = async ({ reviewId }: Journey, from = -3) =>
  (await steps.entries(reviewId)).map(({ type }) => type).slice(from);

/** Approved, sent once, deferred for 20 s. */
async function deferred(tool = 'payouts.close', args = CLOSE): Promise<Journey> {
  const journey = await steps.approved(tool, args);
  gate.answer(() => BUSY);
  expect(await steps.attempt(journey.input)).toEqual(DEFERRED);
  gate.answer(() => DONE);
  return journey;
}

/** A send that hangs, in a worker of its own, until the test answers it. */
async function hang({ input }: Journey) {
  let arrive: (() => void) | undefined;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  let release: ((result: ConnectorResult) => void) | undefined;
  const answered = new Promise<ConnectorResult>((resolve) => (release = resolve));
  gate.answer(() => {
    arrive?.();
    return answered;
  });
  const ended = steps.run().executeCall(input);
  await arrived;
  return { ended, answer: (result: ConnectorResult) => release?.(result) };
}

function dyingAt(step: string, when: 'before' | 'after'): Store {
  const died = new Error('the process was killed');
  return {
    ...store,
    commit: async (next: Commit) => {
      if (next.ledger?.to !== step) return store.commit(next);
      if (when === 'after') await store.commit(next);
      // Never answered: this worker writes nothing more.
      throw died;
    },
  };
}

describe('not now is not no', () => {
  it('N1: waits as long as the target asks, tells why, and sends again under a new claim', async () => {
    const journey = await deferred();
    const { claim, deferral } = await steps.ledger(journey.reviewId);
    expect({ claim, deferral }).toMatchObject({ claim: null, deferral: { code: 'upstream_rejected', times: 1 } });
    const retryAt = new Date(gate.clock.now() + 20_000).toISOString();
    expect(await executionOf(journey)).toMatchObject({
      status: 'not_started',
      deferred: { code: 'upstream_rejected', message: BUSY.message, upstreamStatus: 429, retryAt, times: 1 },
    });
    gate.clock.advance(19_999);
    expect(await steps.attempt(journey.input)).toEqual(WAITING);
    gate.clock.advance(1);
    expect(await steps.attempt(journey.input)).toEqual(EXECUTED);
    expect(await typesOf(journey, -4)).toEqual(['started', 'deferred', 'started', 'finished']);
    expect((await executionOf(journey))?.deferred).toBeUndefined();
    const entries = (await store.entriesOf(journey.reviewId)).map(({ index, entry }) => ({ index, entry }));
    expect(checkOrder(entries)).toEqual([]);
  });

  it('N1: waits longer each time, and ends with the cause once the approval has no time left', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    const { retryAfterMs: _none, ...busy } = BUSY;
    gate.answer(() => busy);
    const approvedAt = gate.clock.now();
    const sentAt: number[] = [];
    for (;;) {
      const { sent, state } = await steps.attempt(journey.input);
      if (sent > 0) sentAt.push(Math.round((gate.clock.now() - approvedAt) / 1_000));
      if (state === 'failed') break;
      const { deferral } = await steps.ledger(journey.reviewId);
      gate.clock.set(Date.parse(deferral?.retryAt ?? ''));
    }
    expect(sentAt.slice(0, 10)).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128, 256]);
    expect(sentAt.length).toBeLessThan(40);
    expect(sentAt.at(-1)).toBeLessThanOrEqual(HOUR / 1_000);
    expect(await executionOf(journey)).toMatchObject({ status: 'failed', error: { code: 'upstream_rejected' } });
  });

  it('N1: fails at once, and says so, where the target asks for longer than the approval lasts', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    gate.answer(() => ({ ...BUSY, retryAfterMs: 2 * HOUR }));
    expect(await steps.attempt(journey.input)).toEqual({ failure: undefined, sent: 1, state: 'failed' });
    const retryAfter = new Date(gate.clock.now() + 2 * HOUR).toISOString();
    expect(await executionOf(journey)).toMatchObject({ status: 'failed', upstreamStatus: 429, retryAfter });
  });

  it('N1: a failure that proves nothing, and a free call, are told as they are', async () => {
    const { isDeferrable: _no, ...refusal } = BUSY;
    gate.answer(() => refusal);
    const held = await steps.approved('payouts.close', CLOSE);
    expect(await steps.attempt(held.input)).toEqual({ failure: undefined, sent: 1, state: 'failed' });
    gate.answer(() => BUSY);
    const free = await steps.open('payouts.get', { id: 'a-1' });
    expect(await steps.attempt(free.input)).toEqual({ failure: undefined, sent: 1, state: 'failed' });
  });

  it('keeps the idempotency key of the first claim, and its window', async () => {
    const journey = await deferred('payouts.create', CREATE);
    const key = gate.calls[0]?.idempotencyKey;
    gate.clock.advance(HOUR - 1_000);
    gate.answer(() => LOST);
    // The window began with the first claim: too little of it is left to send again.
    expect(await steps.attempt(journey.input)).toEqual({ failure: undefined, sent: 1, state: 'unknown' });
    expect(gate.calls.map(({ idempotencyKey, resend }) => [idempotencyKey, resend])).toEqual([
      [key, false],
      [key, false],
    ]);
  });

  it('does not count against the hourly rate until it runs', async () => {
    // Later than any claim of another test.
    gate.clock.advance(10_000 * HOUR);
    gate.settings.update({ limits: { ...gate.settings.current().limits, irreversiblePerToolPerHour: 1 } });
    const waiting = await deferred('payouts.close', CLOSE);
    const other = await steps.approved('payouts.close', { id: 'a-2' });
    expect(await steps.attempt(other.input)).toEqual(EXECUTED);
    gate.clock.advance(20_000);
    expect(await steps.attempt(waiting.input)).toEqual({ ...WAITING, failure: later('rate_exceeded') });
  });
});

describe('a deferred call counts as unclaimed', () => {
  it('a rejection stops it, found by the sweep or by the next claim', async () => {
    for (const stop of [
      async () => stopObjectedCalls(gate.executeDeps()),
      async ({ input }: Journey) => {
        gate.clock.advance(20_000);
        return steps.attempt(input);
      },
    ]) {
      const journey = await deferred();
      const { reviewId, digest } = journey;
      const { review } = (await store.readReview(reviewId)) ?? {};
      if (review === undefined) throw new Error('no review');
      const approved = { ...review, status: 'approved', resolvedAt: new Date().toISOString() } as const;
      await store.commit({ entries: [], review: { kind: 'state', review: approved, envelopes: [], materials: [] } });
      const no = gate.decide(reviewId, { type: 'reject', digest, reviewer: 'ops-2' });
      expect(await store.objections.object(reviewId, no)).toBe('stored');
      await stop(journey);
      expect(await steps.ledger(reviewId)).toMatchObject({ state: 'denied', denial: { reason: 'stopped' } });
      expect(await executionOf(journey)).toMatchObject({ status: 'failed', error: { code: 'stopped' } });
      expect(await typesOf(journey)).toEqual(['started', 'deferred', 'objected']);
      const entries = (await store.entriesOf(reviewId)).map(({ index, entry }) => ({ index, entry }));
      expect(checkOrder(entries)).toEqual([]);
      gate.clock.advance(HOUR);
      expect(await steps.attempt(journey.input)).toEqual({ failure: undefined, sent: 0, state: 'denied' });
    }
  });

  it('a freeze holds it', async () => {
    const journey = await deferred();
    gate.clock.advance(20_000);
    gate.settings.update({ freeze: ['payouts.*'] });
    expect(await steps.attempt(journey.input)).toEqual({ ...WAITING, failure: later('frozen') });
    gate.settings.update({ freeze: [] });
    expect(await steps.attempt(journey.input)).toEqual(EXECUTED);
  });

  it('a reviewer who has left, a stricter policy and a stale approval refuse it', async () => {
    for (const [change, code] of [
      [() => gate.settings.update({ reviewers: [] }), 'not_authorized'],
      [
        () => gate.settings.setPolicy({ rules: [{ name: 'never', when: () => true, class: 'forbidden' }] }),
        'reclassified',
      ],
      [() => gate.clock.advance(HOUR), 'approval_stale'],
    ] as const) {
      const before = gate.settings.current();
      const journey = await deferred();
      gate.clock.advance(20_000);
      change();
      expect(await steps.attempt(journey.input)).toEqual({ ...WAITING, failure: never(code) });
      const { reviewId } = journey;
      const { proposalDigest } = await steps.ledger(reviewId);
      const at = new Date(gate.clock.now()).toISOString();
      const denied = await store.commit({
        ledger: { to: 'deny', reviewId, proposalDigest, reason: code, at },
        entries: [],
      });
      expect(denied.row).toMatchObject({ state: 'denied', claim: null, deferral: { times: 1 } });
      gate.settings.update(before);
    }
  });

  it('lost by Temporal, it is aborted', async () => {
    const { reviewId } = await deferred();
    const sweep = createSweep(lostReviews(async () => undefined));
    const clock = { now: () => Date.now() + 60_000 };
    await sweep({ store, settings: gate.settings, clock, isRunning: async () => false, report: () => undefined });
    expect(await steps.ledger(reviewId)).toMatchObject({ state: 'denied', denial: { reason: 'aborted' } });
  });
});

describe('law 6: a deferral and what happens at the same time', () => {
  it('of several workers that find it due, one sends', async () => {
    const { input } = await deferred();
    gate.clock.advance(20_000);
    const before = gate.calls.length;
    await Promise.allSettled([steps.run(), steps.run(), steps.run()].map((worker) => worker.executeCall(input)));
    expect(gate.calls.length - before).toBe(1);
    expect((await steps.ledger(input.reviewId)).state).toBe('done');
  });

  it('a worker that dies after the deferral leaves it to another; one that dies before it proves nothing', async () => {
    const after = await steps.approved('payouts.close', CLOSE);
    gate.answer(() => BUSY);
    void steps
      .run({ store: dyingAt('defer', 'after') })
      .executeCall(after.input)
      .catch(() => undefined);
    await expect.poll(async () => (await steps.ledger(after.reviewId)).state).toBe('deferred');
    gate.answer(() => DONE);
    expect(await steps.attempt(after.input)).toEqual(WAITING);
    gate.clock.advance(20_000);
    expect(await steps.attempt(after.input)).toEqual(EXECUTED);

    const before = await steps.approved('payouts.close', CLOSE);
    gate.answer(() => BUSY);
    const sent = gate.calls.length;
    void steps
      .run({ store: dyingAt('defer', 'before') })
      .executeCall(before.input)
      .catch(() => undefined);
    await expect.poll(() => gate.calls.length).toBe(sent + 1);
    expect(await steps.attempt(before.input)).toEqual({ failure: undefined, sent: 0, state: 'unknown' });
  });

  it('once another worker has sent it again, the first one cannot defer it, nor call it failed', async () => {
    const { isDeferrable: _no, ...refusal } = BUSY;
    for (const late of [BUSY, refusal]) {
      const journey = await steps.approved('payouts.create', CREATE);
      const first = await hang(journey);
      const second = await hang(journey);
      first.answer(late);
      await first.ended;
      expect(await steps.ledger(journey.reviewId)).toMatchObject({ state: 'claimed', claim: { resends: 1 } });
      second.answer(DONE);
      await second.ended;
      expect((await steps.ledger(journey.reviewId)).state).toBe('done');
      expect(await typesOf(journey)).toEqual(['started', 'started', 'finished']);
    }
  });

  it('a resend never defers', async () => {
    gate.answer(() => LOST);
    const journey = await steps.approved('payouts.create', CREATE);
    expect(await steps.attempt(journey.input)).toMatchObject({ state: 'claimed' });
    gate.answer(() => BUSY);
    expect(await steps.attempt(journey.input)).toMatchObject({ sent: 1, state: 'failed' });
    expect(await typesOf(journey)).not.toContain('deferred');
  });

  it('taken for lost meanwhile, it is put on record as what it was', async () => {
    const journey = await steps.approved('payouts.close', CLOSE);
    const first = await hang(journey);
    expect(await steps.attempt(journey.input)).toMatchObject({ sent: 0, state: 'unknown' });
    first.answer(BUSY);
    await first.ended;
    expect(await steps.ledger(journey.reviewId)).toMatchObject({ state: 'failed' });
    expect(await typesOf(journey)).toEqual(['started', 'unknown', 'finished']);
  });
});

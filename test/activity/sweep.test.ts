import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDirectActivities } from '../../src/activities/execute/index.ts';
import { createSweep, lostClaims, lostReviews } from '../../src/activities/lost-reviews.ts';
import { LIMITS } from '../../src/contract/constants.ts';
import type { Store } from '../../src/ports/store.ts';
import type { GatedCallInput } from '../../src/workflows/messages.ts';
import { makeFixture, type GateFixture } from '../support/gate-fixture.ts';
import { makeJourneys, type Journey } from '../support/gate-journey.ts';
import { memoryStore } from '../support/databases.ts';

/** The database keeps its own time for what changed when, so the sweeper's clock runs ahead of the real one. */
let ahead = 0;
let store: Store;
let gate: GateFixture;
let steps: ReturnType<typeof makeJourneys>;
beforeAll(async () => {
  store = await memoryStore();
});
afterAll(() => store.close());
beforeEach(async () => {
  ahead = 0;
  gate = await makeFixture({ store, now: () => Date.now() + ahead });
  steps = makeJourneys(gate);
});

const restarted: { readonly reviewId: string; readonly request: GatedCallInput }[] = [];

/** Sweeps as if a minute had passed; Temporal runs the workflows named and no other. */
async function sweep(running: readonly string[], isRunning = async (id: string) => running.includes(id)) {
  ahead += 60_000;
  restarted.length = 0;
  const { settings, clock } = gate;
  const restart = async (reviewId: string, request: GatedCallInput) => void restarted.push({ reviewId, request });
  return createSweep(lostReviews(restart))({ store, settings, clock, isRunning, report: () => undefined });
}

async function crashed(): Promise<Journey> {
  const journey = await steps.approved('payouts.close', { id: 'a-1' });
  const dying: Store = {
    ...store,
    commit: async (next) => {
      const written = await store.commit(next);
      if (next.ledger?.to === 'claim') throw new Error('the process was killed');
      return written;
    },
  };
  await expect(steps.run({ store: dying }).executeCall(journey.input)).rejects.toThrow();
  return journey;
}

describe('reviews that Temporal has lost', () => {
  it('are aborted, which is not a decision, and can never run', async () => {
    const { reviewId, input } = await steps.approved('payouts.close', { id: 'a-1' });
    expect(await sweep([])).toBeGreaterThan(0);
    expect(await steps.ledger(reviewId)).toMatchObject({ state: 'denied', denial: { reason: 'aborted' } });
    expect((await steps.entries(reviewId)).at(-1)).toMatchObject({ type: 'aborted', reason: 'workflow_lost' });
    expect((await store.readReview(reviewId))?.review.status).toBe('aborted');
    expect(await steps.attempt(input)).toEqual({ failure: undefined, sent: 0, state: 'denied' });
    await sweep([]);
    expect((await steps.entries(reviewId)).filter(({ type }) => type === 'aborted')).toHaveLength(1);
  });

  it('are left alone while their workflow runs, or while they are young', async () => {
    const { reviewId } = await steps.open('payouts.close', { id: 'a-1' });
    await sweep([reviewId]);
    expect((await steps.ledger(reviewId)).state).toBe('open');
    const young = await steps.open('payouts.close', { id: 'a-1' });
    ahead = -60_000;
    await sweep([reviewId]);
    expect((await steps.ledger(young.reviewId)).state).toBe('open');
  });

  it('are left alone while Temporal cannot be asked', async () => {
    const { reviewId } = await steps.open('payouts.close', { id: 'a-1' });
    await expect(sweep([], () => Promise.reject(new Error('no connection')))).rejects.toThrow();
    expect((await steps.ledger(reviewId)).state).toBe('open');
  });

  it('get a workflow back where a person must still settle their outcome', async () => {
    gate.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' }));
    const { reviewId, input, opened } = await steps.approved('payouts.close', { id: 'a-1' });
    await steps.attempt(input);
    await sweep([]);
    const again = restarted.find((one) => one.reviewId === reviewId);
    expect(again?.request.proposal).toEqual(input.proposal);
    // What is restarted meets its own row, and runs nothing.
    const found = await steps.gate.classifyCall({ reviewId, runId: 'run-2', startedAt: 0, request: again?.request });
    expect(found).toMatchObject({ proposalDigest: opened.proposalDigest, outcome: { state: 'unknown' } });
    expect(gate.calls).toHaveLength(1);
  });

  it('get it back under the same proposal even if it was unsigned', async () => {
    gate.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' }));
    const options = { unsigned: true, request: { reason: 'because', threadId: 't' } };
    const { reviewId, input } = await steps.approved('payouts.close', { id: 'a-1' }, options);
    await steps.attempt(input);
    await sweep([]);
    const request = restarted.find((one) => one.reviewId === reviewId)?.request;
    const found = await steps.gate.classifyCall({ reviewId, runId: 'run-2', startedAt: 0, request });
    expect(found).toMatchObject({ kind: 'held', outcome: { state: 'unknown' } });
  });

  it('do not include calls without a workflow, which get one where a person must settle their outcome', async () => {
    gate.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' }));
    const { lostLastHour } = await store.recovery.status();
    const made: string[] = [];
    for (let left = LIMITS.lostPerHour; left >= 0; left -= 1) {
      const reviewId = gate.newReviewId();
      const request = { service: 'payouts', tool: 'payouts.get', arguments: { id: 'p-1' } };
      const proposal = gate.proposeDirect(reviewId, request);
      await createDirectActivities(gate.executeDeps()).executeFree({ proposal });
      made.push(reviewId);
    }
    await sweep([]);
    expect(restarted.map(({ reviewId }) => reviewId)).toEqual(expect.arrayContaining(made));
    expect(await store.recovery.status()).toMatchObject({ halt: null });
    expect((await store.recovery.status()).lostLastHour).toBeLessThan(lostLastHour + LIMITS.lostPerHour);
  });

  it('are not restarted once a person has reconciled them', async () => {
    gate.answer(() => ({ status: 'outcome_unknown', code: 'lost_answer', message: 'no answer' }));
    const { reviewId, input } = await steps.approved('payouts.close', { id: 'a-1' });
    await steps.attempt(input);
    const at = new Date(gate.clock.now()).toISOString();
    await store.commit({
      ledger: { to: 'reconcile', reviewId, outcome: 'failed', by: 'ops-1', note: 'x', at },
      entries: [],
    });
    await sweep([]);
    expect(restarted.map((one) => one.reviewId)).not.toContain(reviewId);
  });
});

describe('claims whose workflow is gone', () => {
  const sweepClaims = async (running: readonly string[]) => {
    const { settings, clock } = gate;
    const isRunning = async (id: string) => running.includes(id);
    return createSweep([lostClaims])({ store, settings, clock, isRunning, report: () => undefined });
  };

  it('become unknown, once their request can no longer be on its way', async () => {
    const { reviewId } = await crashed();
    ahead += 31_000;
    await sweepClaims([]);
    expect((await steps.ledger(reviewId)).state).toBe('claimed');
    ahead += 60_000;
    await sweepClaims([]);
    expect(await steps.ledger(reviewId)).toMatchObject({
      state: 'unknown',
      outcome: { error: { code: 'lost_worker' } },
    });
    expect((await store.readReview(reviewId))?.review.execution.status).toBe('outcome_unknown');
    expect((await steps.entries(reviewId)).at(-1)).toMatchObject({ type: 'unknown', errorCode: 'lost_worker' });
  });

  it('are left to a workflow that runs', async () => {
    const { reviewId } = await crashed();
    ahead += 600_000;
    await sweepClaims([reviewId]);
    expect((await steps.ledger(reviewId)).state).toBe('claimed');
  });
});

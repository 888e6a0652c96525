import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  fateOf,
  findForgotten,
  settleRan,
  type RestoreSources,
  type TemporalReview,
} from '../../src/activities/restored-reviews.ts';
import type { Store } from '../../src/ports/store.ts';
import { openClaimJournal, readClaimJournal } from '../../src/storage/log/claim-journal.ts';
import type { GateFixture } from '../support/gate-fixture.ts';
import { gateForEach, type Steps } from '../support/gate-hooks.ts';
import { temporaryFolder } from '../support/stores.ts';

let store: Store;
let gate: GateFixture;
let steps: Steps;
gateForEach((made) => ({ store, gate, steps } = made));
const folder = temporaryFolder();
let files = 0;
const newFile = () => join(folder, `journal-${(files += 1)}`);

/** What a worker has in its journal after the call, with a database that has forgotten it. */
async function ranElsewhere(reviewId: string) {
  const { input, ...journey } = await steps.approved('payouts.close', { id: reviewId });
  const file = newFile();
  const journal = openClaimJournal(file);
  const died = new Error('killed');
  // The claim never reaches this database, as if it had been restored to before it.
  const forgetful: Store = { ...store, commit: () => Promise.reject(died) };
  await expect(steps.run({ store: forgetful, journal }).executeCall(input)).rejects.toBe(died);
  await journal.close();
  return { input, file, ...journey };
}

const sources = (over: Partial<RestoreSources> = {}): RestoreSources => ({
  store,
  journal: [],
  workflowsSince: async function* () {},
  hasAskedForCall: async () => false,
  ...over,
});
const workflows = (...all: readonly TemporalReview[]) => ({
  workflowsSince: async function* () {
    yield* all;
  },
});
const AT = '2026-11-30T12:00:00.000Z';

describe('the journal of claims', () => {
  it('has every claim that was made or may have been, and none that was not', async () => {
    const file = newFile();
    const journal = openClaimJournal(file);
    const claimed = await steps.approved('payouts.close', { id: 'a-1' });
    await steps.run({ journal }).executeCall(claimed.input);
    const { input } = await ranElsewhere('a-2');
    const refused = await steps.approved('payouts.close', { id: 'a-3' });
    const taken: Store = { ...store, commit: async () => ({ ok: false, why: 'refused', row: null }) };
    await expect(steps.run({ store: taken, journal }).executeCall(refused.input)).rejects.toThrow();
    await journal.close();
    appendFileSync(file, '{"reviewId":"rev_cut of');
    expect(readClaimJournal(file).map(({ reviewId }) => reviewId)).toEqual([claimed.input.reviewId]);
    expect(gate.calls).toHaveLength(1);
    expect(input.reviewId).not.toBe(claimed.input.reviewId);
  });

  it('that cannot be written stops the claim', async () => {
    const { input } = await steps.approved('payouts.close', { id: 'a-1' });
    const full = { claiming: () => Promise.reject(new Error('ENOSPC')), ended: () => undefined };
    await expect(steps.run({ journal: full }).executeCall(input)).rejects.toThrow('ENOSPC');
    expect(gate.calls).toHaveLength(0);
    expect((await steps.ledger(input.reviewId)).state).toBe('open');
  });
});

describe('after an older database was put back', () => {
  it('a call that the journal has is settled as unknown, and never made again', async () => {
    const { input, file } = await ranElsewhere('b-1');
    const [found, ...others] = await findForgotten(sources({ journal: readClaimJournal(file) }));
    expect(others).toEqual([]);
    expect(found).toMatchObject({ reviewId: input.reviewId, what: 'ran', seenIn: 'journal', ledger: 'open' });
    if (found === undefined) return;
    expect(fateOf(found)).toBe('outcome_unknown');
    expect(await settleRan(store, 'test', found, { token: 'fresh', at: AT })).toBe(true);
    expect(await steps.ledger(input.reviewId)).toMatchObject({
      state: 'unknown',
      outcome: { error: { code: 'restored' } },
    });
    await steps.run().executeCall(input);
    expect(gate.calls).toHaveLength(0);
    expect(await settleRan(store, 'test', found, { token: 'again', at: AT })).toBe(false);
    expect(await findForgotten(sources({ journal: readClaimJournal(file) }))).toEqual([]);
  });

  it('a claim that the database knows is no news', async () => {
    const file = newFile();
    const journal = openClaimJournal(file);
    const { input } = await steps.approved('payouts.close', { id: 'b-2' });
    await steps.run({ journal }).executeCall(input);
    await journal.close();
    expect(await steps.ledger(input.reviewId)).toMatchObject({ state: 'done' });
    expect(await findForgotten(sources({ journal: readClaimJournal(file) }))).toEqual([]);
  });

  it('Temporal tells what ran, what was decided and what was proposed since', async () => {
    const waits = await steps.approved('payouts.close', { id: 'c-1' });
    const ended = await steps.approved('payouts.close', { id: 'c-2' });
    const ran = await steps.approved('payouts.close', { id: 'c-3' });
    const base = { tool: 'payouts.close', isRunning: true, status: 'approved' };
    const forgotten = await findForgotten(
      sources({
        ...workflows(
          { ...base, reviewId: waits.input.reviewId, status: 'pending' },
          { ...base, reviewId: ended.input.reviewId, isRunning: false, status: 'rejected' },
          { ...base, reviewId: ran.input.reviewId },
          { ...base, reviewId: 'rev_01ARZ3NDEKTSV4RRFFQ69G5FAV' },
        ),
        hasAskedForCall: async (reviewId) => reviewId === ran.input.reviewId,
      }),
    );
    expect(forgotten.map((one) => [one.reviewId, one.what, one.ledger, fateOf(one)])).toEqual([
      [ended.input.reviewId, 'decided', 'open', 'aborted'],
      [ran.input.reviewId, 'ran', 'open', 'outcome_unknown'],
      ['rev_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'proposed', null, 'nothing'],
    ]);
  });
});

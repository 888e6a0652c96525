import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Commit } from '../../src/ports/store.ts';
import { directReads } from '../../src/storage/reviews/cached-reads.ts';
import {
  AT,
  claiming,
  DIGEST,
  LATER,
  proposal,
  proposedEntry,
  reviewIdOf,
  reviewOf,
  stateWrite,
} from '../support/storage-fixtures.ts';
import { openStore, type OpenStore } from '../support/stores.ts';
import { inMemory } from '../support/databases.ts';

let opened: OpenStore;
beforeAll(async () => {
  opened = await openStore(inMemory());
});
afterAll(() => opened.store.close());

const resolution = { type: 'approve', by: 'ops-1', comment: null, retryable: false } as const;
const executing = { status: 'executing', error: null, startedAt: AT, finishedAt: null } as const;
const executed = { ...executing, status: 'executed', body: { ok: true }, finishedAt: LATER } as const;

/** What happens to a review, in any order: some of it the database refuses or takes no notice of. */
type Happening = (id: string) => Commit;
const HAPPENINGS: Readonly<Record<string, Happening>> = {
  proposed: (id) => proposal(id),
  'written without a step': (id) => ({ entries: [proposedEntry(id)], review: stateWrite(reviewOf(id)) }),
  revised: (id) => ({ entries: [proposedEntry(id)], review: stateWrite(reviewOf(id, { revision: 2 })) }),
  approved: (id) => ({
    entries: [proposedEntry(id)],
    review: stateWrite(
      reviewOf(id, { status: 'approved', resolvedAt: AT, resolution: { ...resolution, edited: false } }),
    ),
  }),
  'approved with an edit': (id) => ({
    entries: [proposedEntry(id)],
    review: stateWrite(
      reviewOf(id, { status: 'approved', resolvedAt: AT, resolution: { ...resolution, edited: true } }),
    ),
  }),
  denied: (id) => ({
    ledger: { to: 'deny', reviewId: id, proposalDigest: DIGEST, reason: 'rejected', at: AT },
    entries: [proposedEntry(id)],
    review: stateWrite(reviewOf(id, { status: 'rejected', resolvedAt: AT })),
  }),
  settled: (id) => ({
    entries: [proposedEntry(id)],
    review: { ...stateWrite(reviewOf(id, { execution: executed })), settlesExecution: true } as Commit['review'] &
      object,
  }),
  claimed: (id) => ({
    ledger: claiming(id),
    entries: [proposedEntry(id)],
    review: { kind: 'execution', reviewId: id, execution: executing },
  }),
  finished: (id) => ({
    ledger: {
      to: 'finish',
      reviewId: id,
      token: 'token-1',
      state: 'done',
      outcome: { error: null, finishedAt: LATER },
    },
    entries: [proposedEntry(id)],
    review: { kind: 'execution', reviewId: id, execution: executed },
  }),
  lost: (id) => ({
    ledger: { to: 'unknown', reviewId: id, outcome: { error: null, finishedAt: LATER } },
    entries: [proposedEntry(id)],
    review: { kind: 'execution', reviewId: id, execution: { ...executing, status: 'outcome_unknown' } },
  }),
  ended: (id) => ({
    entries: [proposedEntry(id)],
    review: { kind: 'end', reviewId: id, status: 'aborted', at: AT },
  }),
  'told of': (id) => ({ entries: [proposedEntry(id)] }),
  'moved only': (id) => ({ ledger: claiming(id, 'token-2'), entries: [] }),
  'shown only': (id) => ({ entries: [], review: stateWrite(reviewOf(id, { reason: 'shown' })) }),
};

test('what is remembered of a review is what the database holds, whatever happens to it', async () => {
  const { store, database } = opened;
  const direct = directReads(database.query);
  let n = 0;
  const step = fc.record({
    what: fc.constantFrom(...Object.keys(HAPPENINGS), 'erased', 'read'),
    together: fc.boolean(),
  });
  const first = fc.constantFrom(HAPPENINGS['proposed'] as Happening, HAPPENINGS['denied'] as Happening);
  await fc.assert(
    fc.asyncProperty(first, fc.array(step, { maxLength: 12 }), async (begin, steps) => {
      const id = reviewIdOf((n += 1));
      // The gate shows nothing of a review before the ledger has it.
      await store.commit(begin(id));
      let underWay: Promise<unknown>[] = [];
      for (const { what, together } of steps) {
        if (what === 'erased') underWay.push(store.erase('2100-01-01T00:00:00.000Z'));
        else if (what === 'read') underWay.push(store.readReview(id), store.readLedger(id));
        else underWay.push(store.commit((HAPPENINGS[what] as Happening)(id)));
        if (together) continue;
        await Promise.all(underWay);
        underWay = [];
        expect([await store.readReview(id), await store.readLedger(id)]).toEqual([
          await direct.readReview(id),
          await direct.readLedger(id),
        ]);
      }
      await Promise.all(underWay);
      expect([await store.readReview(id), await store.readLedger(id)]).toEqual([
        await direct.readReview(id),
        await direct.readLedger(id),
      ]);
    }),
    { numRuns: 200 },
  );
});

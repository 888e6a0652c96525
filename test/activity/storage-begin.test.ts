import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { Commit, Store } from '../../src/ports/store.ts';
import type { Database } from '../../src/storage/database/database.ts';
import {
  AT,
  beginning,
  claiming,
  DIGEST,
  LATER,
  reviewIdOf,
  reviewOf,
  stateWrite,
} from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

type Beginning = ReturnType<typeof beginning>;

/** Everything that is no call without a workflow, although it begins as one. */
const OTHERWISE: readonly (readonly [string, (whole: Beginning) => Commit])[] = [
  ['without entries', (whole) => ({ ...whole, entries: [] })],
  ['without `proposed`', ({ entries: [, ...rest], ...whole }) => ({ ...whole, entries: rest })],
  [
    'without `started`',
    ({ entries: [first, second], ...whole }) => ({ ...whole, entries: [first, second] as AuditEntry[] }),
  ],
  ['with an entry more', (whole) => ({ ...whole, entries: [...whole.entries, ...whole.entries.slice(2)] })],
  ['in another order', (whole) => ({ ...whole, entries: whole.entries.toReversed() })],
  ['irreversible', (whole) => classified(whole, { class: 'irreversible' })],
  ['sensitive', (whole) => classified(whole, { class: 'sensitive' })],
  ['with a soft gate', (whole) => classified(whole, { gate: 'soft' })],
  ['pending', (whole) => classified(whole, { status: 'pending' })],
  ['hidden in a reason', (whole) => classified(whole, { class: 'sensitive', reasonCodes: ['","class":"reversible"'] })],
  ['without a review', ({ review: _none, ...whole }) => whole],
  ['with the review of another call', (whole) => ({ ...whole, review: beginning(reviewIdOf(99)).review })],
  ['shown as irreversible', (whole) => shown(whole, { class: 'irreversible' })],
  ['shown with a gate', (whole) => shown(whole, { gate: 'hard' })],
  ['shown as approved', (whole) => shown(whole, { status: 'approved' })],
  ['shown as a question', (whole) => shown(whole, { kind: 'in-flow' })],
  [
    'shown as executed',
    (whole) => shown(whole, { execution: { ...whole.review.review.execution, status: 'executed' } }),
  ],
  ['without an envelope', (whole) => ({ ...whole, review: { ...whole.review, envelopes: [] } })],
  ['without its material', (whole) => ({ ...whole, review: { ...whole.review, materials: [] } })],
];

function classified(whole: Beginning, over: Partial<Extract<AuditEntry, { type: 'classified' }>>): Commit {
  const [proposed, second, started] = whole.entries;
  return { ...whole, entries: [proposed, { ...second, ...over }, started] as AuditEntry[] };
}

function shown(whole: Beginning, over: Partial<Beginning['review']['review']>): Commit {
  return { ...whole, review: { ...whole.review, review: { ...whole.review.review, ...over } } };
}

onEveryDatabase((engine) => {
  let store: Store;
  let database: Database;
  let ids = 0;
  const nextId = (): string => reviewIdOf(ids++);
  beforeAll(async () => {
    ({ store, database } = await engine.fresh());
  });

  it('opens, claims and records a call in one step', async () => {
    const reviewId = nextId();
    const begun = await store.commit(beginning(reviewId));
    expect(begun).toMatchObject({ ok: true, row: { state: 'claimed', isDirect: true, openedAt: AT, expiresAt: null } });
    expect(begun.row?.claim).toMatchObject({ token: 'token-1', at: AT, firstAt: AT, sendBy: LATER, digest: DIGEST });
    const stored = await store.readReview(reviewId);
    expect(stored?.review).toMatchObject({
      status: 'not_required',
      execution: { status: 'executing' },
      workflow: null,
    });
    expect(await store.readRecord(reviewId)).toMatchObject({ envelopes: [{ kind: 'proposal' }], materials: [{}] });
    const types = (await store.entriesOf(reviewId)).map(({ entry }) => entry.type);
    expect(types).toEqual(['proposed', 'classified', 'started']);
  });

  it('never gives the claim back, which could then be another call’s', async () => {
    const reviewId = nextId();
    await store.commit(beginning(reviewId));
    const deferral = { code: 'x', message: '', at: AT, retryAt: LATER };
    const deferred = await store.commit({ ledger: { to: 'defer', reviewId, token: 'token-1', deferral }, entries: [] });
    expect(deferred).toMatchObject({ ok: false, why: 'refused', row: { state: 'claimed' } });
    expect(await store.commit({ ledger: claiming(reviewId), entries: [] })).toMatchObject({ ok: false });
  });

  it('lets one of several begin', async () => {
    const reviewId = nextId();
    const tokens = ['one', 'two', 'three'];
    const results = await Promise.all(tokens.map((token) => store.commit(beginning(reviewId, {}, token))));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await store.entriesOf(reviewId)).toHaveLength(3);
  });

  it('changes no review that is there already', async () => {
    const reviewId = nextId();
    await store.commit({ entries: [], review: stateWrite(reviewOf(reviewId)) });
    expect(await store.commit(beginning(reviewId))).toEqual({ ok: false, why: 'refused', row: null });
    expect((await store.readReview(reviewId))?.review.status).toBe('pending');
    expect(await store.readLedger(reviewId)).toBeUndefined();
  });

  describe('refuses what is no free call', () => {
    it.each(OTHERWISE)('%s', async (_name, change) => {
      const reviewId = nextId();
      const before = await store.head();
      await expect(store.commit(change(beginning(reviewId)))).rejects.toMatchObject({ code: 'write_refused' });
      expect(await store.head()).toEqual(before);
      expect(await store.readLedger(reviewId)).toBeUndefined();
      expect(await store.readReview(reviewId)).toBeUndefined();
    });
  });

  it('does not hold up others of its group that are as they should be', async () => {
    const [good, bad] = [nextId(), nextId()];
    const results = await Promise.allSettled([
      store.commit(beginning(good)),
      store.commit(classified(beginning(bad), { class: 'irreversible' })),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('no row claims by itself, and none becomes direct', async () => {
    const reviewId = nextId();
    await store.commit(beginning(reviewId));
    const insert = (direct: boolean, state: string): Promise<unknown> =>
      database.query(
        `INSERT INTO holdpoint.ledger (review_id, proposal_digest, direct, state, opened_at, claimed_at, first_claimed_at)
         VALUES ('x', 'x', $1, $2, now(), now(), now())`,
        [direct, state],
      );
    for (const [direct, state] of [
      [false, 'claimed'],
      [true, 'done'],
      [true, 'open'],
    ] as const) {
      await expect(insert(direct, state)).rejects.toMatchObject({ code: 'write_refused' });
    }
    await expect(
      database.query('UPDATE holdpoint.ledger SET direct = false WHERE review_id = $1', [reviewId]),
    ).rejects.toMatchObject({ code: 'write_refused' });
  });
});

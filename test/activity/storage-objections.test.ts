import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Database, Query } from '../../src/storage/database/database.ts';
import { startPostgres, type Postgres } from '../support/postgres.ts';
import { AT, claiming, LATER, opening, proposal, reviewIdOf } from '../support/storage-fixtures.ts';
import { onEveryDatabase, openStore, type OpenStore } from '../support/stores.ts';

const envelopeOf = (text: string): DsseEnvelope => ({
  payload: Buffer.from(text).toString('base64'),
  payloadType: 'application/vnd.holdpoint.decision.v1+json',
  signatures: [{ sig: 'c2ln' }],
});
const objectIn = async (query: Query, reviewId: string, text: string): Promise<string | undefined> =>
  (
    await query<{ answer: string }>('SELECT holdpoint.object($1, $2) AS answer', [
      reviewId,
      JSON.stringify(envelopeOf(text)),
    ])
  )[0]?.answer;
const claim = (store: Store, reviewId: string, objections: number) =>
  store.commit({ ledger: claiming(reviewId, 'token-1', objections), entries: [] });

onEveryDatabase((engine) => {
  let store: Store;
  let database: Database;
  let n = 0;
  const nextId = () => reviewIdOf((n += 1), 5);
  beforeAll(async () => {
    ({ store, database } = await engine.fresh());
  });

  const open = async () => {
    const reviewId = nextId();
    await store.commit(proposal(reviewId));
    return reviewId;
  };

  it('an objection is stored once, and the ledger row counts it', async () => {
    const reviewId = await open();
    expect(await store.readLedger(reviewId)).toMatchObject({ objections: 0 });
    for (const text of ['a', 'a', 'b'])
      expect(await store.objections.object(reviewId, envelopeOf(text))).toBe('stored');
    expect(await store.readLedger(reviewId)).toMatchObject({ state: 'open', objections: 2 });
    const stored = await store.objections.ofReview(reviewId, 10);
    expect(stored.map(({ envelope }) => envelope)).toEqual([envelopeOf('a'), envelopeOf('b')]);
  });

  it('a claim names how many were judged, settled or not, and is refused where the database counts otherwise', async () => {
    const reviewId = await open();
    await store.objections.object(reviewId, envelopeOf('a'));
    for (const judged of [0, 2]) {
      expect(await claim(store, reviewId, judged)).toMatchObject({ ok: false, row: { state: 'open', objections: 1 } });
    }
    const [stored] = await store.objections.ofReview(reviewId, 1);
    await store.objections.settle(stored?.n ?? 0);
    expect(await claim(store, reviewId, 0)).toMatchObject({ ok: false });
    expect(await claim(store, reviewId, 1)).toMatchObject({ ok: true, row: { state: 'claimed', objections: 1 } });
  });

  it('so does the answer to a question; any other denial needs no count', async () => {
    const [question, denied] = [await open(), await open()];
    const { proposalDigest } = (await store.readLedger(question)) ?? { proposalDigest: '' };
    const deny = { to: 'deny', proposalDigest, reason: 'answered', at: AT } as const;
    for (const reviewId of [question, denied]) await store.objections.object(reviewId, envelopeOf('a'));
    const answer = (objections: number) =>
      store.commit({ ledger: { ...deny, reviewId: question, objections }, entries: [] });
    expect(await answer(0)).toMatchObject({ ok: false, row: { state: 'open' } });
    expect(await answer(1)).toMatchObject({ ok: true });
    expect(await store.commit({ ledger: { ...deny, reviewId: denied }, entries: [] })).toMatchObject({ ok: true });
  });

  it('comes too late for a call that was claimed, and for a review that is over', async () => {
    const [claimed, denied] = [await open(), await open()];
    await claim(store, claimed, 0);
    const row = await store.readLedger(denied);
    const { proposalDigest } = row ?? { proposalDigest: '' };
    await store.commit({
      ledger: { to: 'deny', reviewId: denied, proposalDigest, reason: 'expired', at: AT },
      entries: [],
    });
    expect(await store.objections.object(claimed, envelopeOf('a'))).toBe('already_started');
    expect(await store.objections.object(denied, envelopeOf('a'))).toBe('already_resolved');
    expect(await store.objections.object(nextId(), envelopeOf('a'))).toBe('already_resolved');
    expect(await store.objections.ofReview(claimed, 10)).toEqual([]);
  });

  it('stands against a deferred call like against one that never started: the next claim has to have judged it', async () => {
    const reviewId = await open();
    await claim(store, reviewId, 0);
    const deferral = { code: 'upstream_rejected', message: 'busy', at: AT, retryAt: AT };
    await store.commit({ ledger: { to: 'defer', reviewId, token: 'token-1', deferral }, entries: [] });
    expect(await store.objections.object(reviewId, envelopeOf('a'))).toBe('stored');
    expect(await claim(store, reviewId, 0)).toMatchObject({ ok: false, row: { state: 'deferred', objections: 1 } });
    expect(await claim(store, reviewId, 1)).toMatchObject({ ok: true, row: { state: 'claimed' } });
    expect(await store.objections.object(reviewId, envelopeOf('b'))).toBe('already_started');
  });

  it('is bounded, and goes with what retention erases', async () => {
    const reviewId = nextId();
    await store.commit(proposal(reviewId));
    await expect(store.objections.object(reviewId, envelopeOf('x'.repeat(60_000)))).rejects.toMatchObject({
      code: 'write_refused',
    });
    await store.objections.object(reviewId, envelopeOf('a'));
    const row = await store.readLedger(reviewId);
    await store.commit({
      ledger: { to: 'deny', reviewId, proposalDigest: row?.proposalDigest ?? '', reason: 'rejected', at: AT },
      entries: [],
      review: { kind: 'end', reviewId, status: 'aborted', at: AT },
    });
    expect(await store.erase(LATER)).toBeGreaterThan(0);
    expect(await store.objections.ofReview(reviewId, 10)).toEqual([]);
  });

  it('no erasure takes one from a call that can still be claimed, whoever asks for it', async () => {
    const reviewId = nextId();
    await store.commit(proposal(reviewId));
    await store.objections.object(reviewId, envelopeOf('a'));
    await database.query('UPDATE holdpoint.reviews SET ended_at = now() WHERE review_id = $1', [reviewId]);
    const erasure = { review_id: reviewId, state: '{}', list_row: '{}', execution: '{}', outcome: null };
    await database.query('SELECT holdpoint.erase_reviews($1::text::jsonb)', [JSON.stringify([erasure])]);
    expect(await store.objections.ofReview(reviewId, 10)).toHaveLength(1);
    expect(await claim(store, reviewId, 0)).toMatchObject({ ok: false, row: { state: 'open', objections: 1 } });
  });
});

/** The two races that a claim must not lose; each was lost, on PostgreSQL, by the obvious way of asking. */
describe('an objection and a claim at the same time', () => {
  let server: Postgres;
  let reviewers: OpenStore;
  let worker: OpenStore;
  let reviewId: string;
  let n = 0;
  beforeAll(async () => {
    server = await startPostgres();
    const database = await server.createDatabase();
    // A server may have been set up for another isolation; ours is what counts.
    await server.sql(database, `ALTER DATABASE ${database} SET default_transaction_isolation = 'repeatable read'`);
    reviewers = await openStore({ databaseUrl: server.url(database) });
    worker = await openStore({ databaseUrl: server.url(database) });
  });
  afterAll(async () => {
    await Promise.all([reviewers.store.close(), worker.store.close()]);
    server.stop();
  });
  beforeEach(async () => {
    reviewId = reviewIdOf((n += 1), 6);
    await worker.store.commit({ ledger: opening(reviewId), entries: [] });
  });

  const untilSomebodyWaits = async (database: Database) => {
    for (;;) {
      const rows = await database.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`);
      if (rows.length > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  it('◆ plain NOT EXISTS: one that commits just after the claim has looked stops it', async () => {
    let claimed: ReturnType<typeof claim> | undefined;
    await reviewers.database.transaction(async (query) => {
      expect(await objectIn(query, reviewId, 'a')).toBe('stored');
      // All that a claim which only looks would see.
      expect(await worker.store.objections.ofReview(reviewId, 10)).toEqual([]);
      claimed = claim(worker.store, reviewId, 0);
      // One after the other: by then the claim has met the row.
      await worker.store.commit({ ledger: opening(reviewIdOf((n += 1), 6)), entries: [] });
    });
    expect(await claimed).toMatchObject({ ok: false, row: { state: 'open', objections: 1 } });
  });

  it('a login that keeps its transaction open behind an objection holds up that review alone, and not for ever', async () => {
    const others = [(n += 1), (n += 1)].map((id) => reviewIdOf(id, 6));
    await reviewers.database.transaction(async (query) => {
      expect(await objectIn(query, reviewId, 'a')).toBe('stored');
      const refusal = claim(worker.store, reviewId, 0).catch((error: unknown) => error);
      for (const other of others) await worker.store.commit({ ledger: opening(other), entries: [] });
      for (const other of others) expect(await claim(worker.store, other, 0)).toMatchObject({ ok: true });
      expect(await refusal).toMatchObject({ code: 'database_unavailable' });
      expect(await worker.store.readLedger(reviewId)).toMatchObject({ state: 'open' });
    });
    expect(await claim(worker.store, reviewId, 1)).toMatchObject({ ok: true });
  });

  it('◆ a maximum instead of a count: a lower number that commits after a higher one stops it', async () => {
    await reviewers.database.transaction(async (query) => {
      expect(await objectIn(query, reviewId, 'a')).toBe('stored');
      expect(await worker.store.objections.object(reviewId, envelopeOf('b'))).toBe('stored');
    });
    const [low, high] = await worker.store.objections.ofReview(reviewId, 10);
    expect(low?.envelope).toEqual(envelopeOf('a'));
    expect(high?.envelope).toEqual(envelopeOf('b'));
    // The worker judged `b` alone, before `a` was committed: the highest number is still that of `b`.
    expect(await claim(worker.store, reviewId, 1)).toMatchObject({ ok: false, row: { state: 'open', objections: 2 } });
    expect(await claim(worker.store, reviewId, 2)).toMatchObject({ ok: true });
  });

  it('one that comes while a claim is being committed is told that the call has started', async () => {
    let answer: Promise<string> | undefined;
    await worker.database.transaction(async (query) => {
      await query(
        `UPDATE holdpoint.ledger SET state = 'claimed', claimed_at = now(), first_claimed_at = now(), claim_token = 't' WHERE review_id = $1`,
        [reviewId],
      );
      answer = reviewers.store.objections.object(reviewId, envelopeOf('a'));
      await untilSomebodyWaits(worker.database);
    });
    expect(await answer).toBe('already_started');
    expect(await worker.store.objections.ofReview(reviewId, 10)).toEqual([]);
  });

  it('neither happens in a transaction of another isolation', async () => {
    for (const call of [`object('${reviewId}', '{}')`, `commit_group('{"keys":[],"steps":[]}')`]) {
      const asked = reviewers.database.transaction(async (query) => {
        await query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        await query(`SELECT holdpoint.${call}`);
      });
      await expect(asked).rejects.toMatchObject({ code: 'write_refused' });
    }
  });
});

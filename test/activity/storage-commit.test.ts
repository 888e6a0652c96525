import { beforeEach, describe, expect, it } from 'vitest';
import type { Commit, Store } from '../../src/ports/store.ts';
import type { Database } from '../../src/storage/database/database.ts';
import {
  AT,
  claiming,
  opening,
  OTHER_DIGEST,
  proposal,
  proposedEntry,
  reviewIdOf,
  reviewOf,
  stateWrite,
} from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

onEveryDatabase((engine) => {
  let store: Store;
  let database: Database;
  beforeEach(async () => {
    ({ store, database } = await engine.fresh());
  });

  it('writes ledger, entries and review together', async () => {
    const reviewId = reviewIdOf(1);
    const result = await store.commit(proposal(reviewId));
    expect(result).toMatchObject({ ok: true, indices: [0], row: { state: 'open' } });
    expect((await store.readReview(reviewId))?.review).toEqual(reviewOf(reviewId));
    expect(await store.entriesOf(reviewId)).toMatchObject([{ index: 0, entry: proposedEntry(reviewId) }]);
  });

  it('a refused step writes nothing of its commit', async () => {
    const reviewId = reviewIdOf(1);
    await store.commit(proposal(reviewId));
    const ended = { ...reviewOf(reviewId), status: 'approved' as const, resolvedAt: AT };
    const commit: Commit = {
      ledger: opening(reviewId, OTHER_DIGEST),
      entries: [proposedEntry(reviewId)],
      review: stateWrite(ended),
    };
    expect(await store.commit({ ...commit, key: 'k' })).toMatchObject({ ok: false, why: 'refused' });
    expect((await store.head()).size).toBe(1);
    expect((await store.readReview(reviewId))?.review.status).toBe('pending');
    // The key was not kept: the same key may still succeed.
    expect(await store.commit({ key: 'k', entries: [proposedEntry(reviewId)] })).toMatchObject({
      ok: true,
      indices: [1],
    });
  });

  it('commits asked for at once share the log without gaps, each with its own indices', async () => {
    const ids = Array.from({ length: 150 }, (_, i) => reviewIdOf(i));
    const results = await Promise.all(
      ids.map((reviewId) =>
        store.commit({ ...proposal(reviewId), entries: [proposedEntry(reviewId), proposedEntry(reviewId)] }),
      ),
    );
    const indices = results.flatMap((result) => (result.ok ? result.indices : []));
    expect(indices.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    for (const [i, reviewId] of ids.entries()) {
      const own = (await store.entriesOf(reviewId)).map(({ index }) => index);
      expect(results[i]).toMatchObject({ ok: true, indices: own });
    }
  });

  it('refused commits leave their neighbours alone', async () => {
    const [taken, free, claimed] = [reviewIdOf(1), reviewIdOf(2), reviewIdOf(3)];
    await store.commit(proposal(taken));
    await store.commit(proposal(claimed));
    await store.commit({ ledger: claiming(claimed), entries: [] });
    const results = await Promise.all([
      store.commit(proposal(taken)),
      store.commit(proposal(free)),
      store.commit({ ledger: claiming(claimed, 'late'), entries: [proposedEntry(claimed)] }),
      store.commit({ entries: [proposedEntry(free, { tool: 'after' })] }),
    ]);
    expect(results.map((result) => (result.ok ? result.indices : result.why))).toEqual([
      'existing',
      [2],
      'refused',
      [3],
    ]);
    expect((await store.head()).size).toBe(4);
  });

  it('steps of one review asked for at once happen in the order they were asked for', async () => {
    const reviewId = reviewIdOf(1);
    const results = await Promise.all([
      store.commit(proposal(reviewId)),
      store.commit({ ledger: claiming(reviewId), entries: [] }),
      store.commit({
        ledger: { to: 'deny', reviewId, proposalDigest: OTHER_DIGEST, reason: 'x', at: AT },
        entries: [],
      }),
    ]);
    expect(results.map((result) => result.ok)).toEqual([true, true, false]);
  });

  it('a poisoned commit fails alone', async () => {
    const bad: Commit = {
      ledger: { ...opening(reviewIdOf(2)), at: 'no time at all' } as never,
      entries: [proposedEntry(reviewIdOf(2))],
    };
    const results = await Promise.allSettled([
      store.commit(proposal(reviewIdOf(1))),
      store.commit(bad),
      store.commit(proposal(reviewIdOf(3))),
    ]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { name: 'StorageError', code: 'write_refused' } });
    expect((await store.head()).size).toBe(2);
    expect(await store.readLedger(reviewIdOf(2))).toBeUndefined();
  });

  it('what is not JSON is refused before it joins anything', async () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const commit = proposal(reviewIdOf(1), { context: circular as never });
    await expect(store.commit(commit)).rejects.toBeInstanceOf(TypeError);
    expect(await store.commit(proposal(reviewIdOf(1)))).toMatchObject({ ok: true });
  });

  describe('keys', () => {
    it('a commit made before is answered again and writes nothing', async () => {
      const reviewId = reviewIdOf(1);
      const first = await store.commit({ ...proposal(reviewId), key: 'open:1' });
      await store.commit({ ledger: claiming(reviewId), entries: [proposedEntry(reviewId)] });
      const again = await store.commit({ ...proposal(reviewId), key: 'open:1' });
      expect(first).toMatchObject({ ok: true, indices: [0], row: { state: 'open' } });
      expect(again).toMatchObject({ ok: true, indices: [0], row: { state: 'claimed' } });
      expect((await store.head()).size).toBe(2);
    });

    it('twice at once is once', async () => {
      const commit: Commit = {
        key: 'decided:1',
        entries: [proposedEntry(reviewIdOf(1)), proposedEntry(reviewIdOf(1))],
      };
      const results = await Promise.all([store.commit(commit), store.commit(commit), store.commit(commit)]);
      expect(results).toEqual(Array.from({ length: 3 }, () => ({ ok: true, row: null, indices: [0, 1] })));
      expect((await store.head()).size).toBe(2);
    });
  });

  describe('hostile text', () => {
    const hostile = 'a\u0000b\ud800c\udc00"\\\'$1; DROP TABLE holdpoint.ledger --\u202e';

    it('anything an agent can say is recorded and read back', async () => {
      const reviewId = reviewIdOf(1);
      const args = { [hostile]: [hostile, '\u0000', 1e21, -0.5] };
      const review = reviewOf(reviewId, {
        call: { service: 's', tool: hostile, arguments: args, digest: null },
        proposer: { id: `temporal:${hostile}`, owner: null, attested: false },
        threadId: hostile,
        group: hostile,
        reason: hostile,
      });
      const entry = proposedEntry(reviewId, { proposer: `temporal:${hostile}` });
      expect(
        await store.commit({ ledger: opening(reviewId), entries: [entry], review: stateWrite(review) }),
      ).toMatchObject({ ok: true });
      expect((await store.readReview(reviewId))?.review).toEqual(review);
      for (const filter of [
        { threadId: hostile },
        { group: hostile },
        { tool: hostile },
        { proposer: `temporal:${hostile}` },
      ]) {
        expect((await store.listReviews(filter, 10))?.rows.map((row) => row.reviewId)).toEqual([reviewId]);
      }
      const [stored] = await store.entriesOf(reviewId);
      expect(stored?.entry).toMatchObject({ proposer: expect.stringContaining('a\ufffdb\ufffdc\ufffd') as string });
      expect(await store.inclusionProof(0, 1)).toEqual([]);
    });

    it('a denial and a result may say anything', async () => {
      const reviewId = reviewIdOf(1);
      await store.commit({ ledger: opening(reviewId), entries: [] });
      await store.commit({ ledger: claiming(reviewId), entries: [] });
      const outcome = { body: { [hostile]: hostile }, error: null, finishedAt: AT };
      const done = await store.commit({
        ledger: { to: 'finish', reviewId, token: 'token-1', state: 'done', outcome },
        entries: [],
      });
      expect(done.row?.outcome).toEqual(outcome);
    });
  });

  it('the log is append-only, also for its owner', async () => {
    await store.commit(proposal(reviewIdOf(1)));
    for (const statement of [
      `UPDATE holdpoint.audit_entries SET leaf = '{}'`,
      'DELETE FROM holdpoint.audit_entries',
      'TRUNCATE holdpoint.merkle_nodes',
      'DELETE FROM holdpoint.commit_keys',
    ]) {
      await expect(database.query(statement)).rejects.toMatchObject({ code: 'write_refused' });
    }
  });

  it('a head that does not fit its entries is refused', async () => {
    const payload = {
      size: 0,
      next: 5,
      root: '00',
      peaks: '',
      steps: [],
      keys: [],
      entries: [{ r: null, l: '{}', h: '00' }],
      nodes: [],
      reviews: [],
      executions: [],
      ends: [],
    };
    const forged = database.query('SELECT holdpoint.commit_group($1::text)', [JSON.stringify(payload)]);
    await expect(forged).rejects.toMatchObject({ code: 'write_refused' });
    expect((await store.head()).size).toBe(0);
  });
});

import { beforeEach, expect, it } from 'vitest';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Database } from '../../src/storage/database/database.ts';
import { payloadOf, rangeFrom, type ReviewTail, prepareCommit } from '../../src/storage/commit/prepare.ts';
import { storeOver } from '../../src/storage/store.ts';
import { createLogFollower } from '../../src/storage/log/log-follower.ts';
import { hashFromBase64, type Hash } from '../../src/domain/proof/tree.ts';
import { DIGEST, proposedEntry, reviewIdOf } from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

const REVIEW = reviewIdOf(1);
const policyChanged: AuditEntry = {
  schemaVersion: 1,
  deploymentId: 'test',
  at: '2026-04-01T12:00:00.000Z',
  type: 'policy_changed',
  policyDigest: DIGEST,
  previous: null,
};

onEveryDatabase((engine) => {
  let store: Store;
  let database: Database;
  beforeEach(async () => {
    ({ store, database } = await engine.fresh());
  });
  const linksOf = async (reviewId: string) =>
    (await store.entriesOf(reviewId)).map(({ index, entry }) =>
      'n' in entry ? [index, entry.n, entry.previous] : [index],
    );

  it('numbers the entries of each review, whoever appends them and in whatever groups', async () => {
    const other = storeOver(database);
    await Promise.all([
      store.commit({ entries: [proposedEntry(REVIEW), policyChanged, proposedEntry(REVIEW)] }),
      store.commit({ entries: [proposedEntry(reviewIdOf(2)), proposedEntry(REVIEW)] }),
    ]);
    for (const by of [other, store, other]) await by.commit({ entries: [proposedEntry(REVIEW)] });
    await Promise.all([store, other, store, other].map((by) => by.commit({ entries: [proposedEntry(REVIEW)] })));
    const links = await linksOf(REVIEW);
    expect(links.map(([, n]) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(links.map(([, , previous]) => previous)).toEqual([null, ...links.slice(0, -1).map(([index]) => index)]);
  });

  it('the database refuses a leaf that does not follow the last one of its review', async () => {
    await store.commit({ entries: [proposedEntry(REVIEW)] });
    const append = async (tail: ReviewTail | undefined, forge = (json: string) => json) => {
      const [head] = await database.query<{ size: number; peaks: string }>(
        `SELECT size::float8 AS size, encode(peaks, 'hex') AS peaks FROM holdpoint.audit_head`,
      );
      const commit = prepareCommit({ entries: [proposedEntry(REVIEW)] });
      const { json } = payloadOf([commit], rangeFrom(head ?? { size: 0, peaks: '' }), () => tail);
      const [row] = await database.query<{ answer: { kind: string; tails?: unknown } }>(
        'SELECT holdpoint.commit_group($1::text) AS answer',
        [forge(json)],
      );
      return row?.answer;
    };
    const right = { n: 1, last: 0 };
    const wrong: Parameters<typeof append>[] = [
      [undefined],
      [{ n: 1, last: 7 }],
      [{ n: 4, last: 0 }],
      // The leaf says something else than the row would.
      [right, (json) => json.replace('\\"n\\":2', '\\"n\\":3')],
      [right, (json) => json.replace('\\"previous\\":0', '\\"previous\\":null')],
      [right, (json) => json.replace(`"r":"${REVIEW}"`, `"r":"${reviewIdOf(2)}"`)],
      [right, (json) => json.replace(/"r":"[^"]*","n":2,"p":0,/, '')],
    ];
    for (const attempt of wrong) {
      expect((await append(...attempt))?.kind).toBe('stale');
      expect((await store.head()).size).toBe(1);
    }
    expect((await append(undefined))?.tails).toEqual({ [REVIEW]: right });
    expect((await append(right))?.kind).toBe('written');
  });

  it('who follows the log knows the last entry of each review, and none of one with two histories', async () => {
    const follower = createLogFollower(store);
    const advance = async () => {
      const { size, root } = await store.head();
      await follower.advance({ origin: 'test', size, root: hashFromBase64(root) as Hash });
    };
    await store.commit({ entries: [proposedEntry(REVIEW), proposedEntry(REVIEW)] });
    await store.commit({ entries: [proposedEntry(reviewIdOf(2))] });
    await advance();
    expect([follower.tailOf(REVIEW), follower.tailOf(reviewIdOf(2))]).toEqual([
      { n: 2, last: 1 },
      { n: 1, last: 2 },
    ]);
    // Somebody who owns the database hides the first history and begins another one.
    await database.exclusively((_query, script) =>
      script(`ALTER TABLE holdpoint.audit_entries DISABLE TRIGGER append_only;
        UPDATE holdpoint.audit_entries SET review_id = 'rev_hidden' WHERE review_id = '${REVIEW}'`),
    );
    await storeOver(database).commit({ entries: [proposedEntry(REVIEW)] });
    expect(await linksOf(REVIEW)).toEqual([[3, 1, null]]);
    await advance();
    expect([follower.tailOf(REVIEW), follower.tailOf(reviewIdOf(2))]).toEqual([undefined, { n: 1, last: 2 }]);
  });
});

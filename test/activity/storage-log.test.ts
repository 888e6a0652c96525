import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { RARE_AUDIT_TYPES } from '../../src/contract/audit-query.ts';
import type { IndexedEntry } from '../../src/contract/audit.ts';
import type { EntryFilter, LogStretch, Store, TailEvent } from '../../src/ports/store.ts';
import { checkLog, type LogFault, logOverStore } from '../../src/cli/commands/audit/log-check.ts';
import { originOf, signCheckpoint } from '../../src/domain/proof/checkpoint.ts';
import { hashEntry, hashFromBase64, type Hash } from '../../src/domain/proof/tree.ts';
import { verifyConsistency, verifyInclusion } from '../../src/domain/proof/merkle-proof.ts';
import type { Database } from '../../src/storage/database/database.ts';
import { storeOver } from '../../src/storage/store.ts';
import { AT, DIGEST, proposedEntry, reviewIdOf } from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

const hash = (text: string) => hashFromBase64(text) as Hash;
const hashes = (texts: readonly string[]) => texts.map(hash);

async function append(store: Store, count: number, from = 0): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, i) => store.commit({ entries: [proposedEntry(reviewIdOf(from + i))] })),
  );
}

onEveryDatabase((engine) => {
  let store: Store;
  let database: Database;
  beforeEach(async () => {
    ({ store, database } = await engine.fresh());
  });

  it('begins with the root of nothing', async () => {
    expect(await store.head()).toEqual({ size: 0, root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' });
    expect(await store.checkpoint()).toBeUndefined();
    expect(await store.entries(0, 10)).toEqual([]);
  });

  it('walks an index where it reads page by page, and never sorts what is left', async () => {
    const asked: [string, readonly unknown[]][] = [];
    const query: Database['query'] = (sql, parameters = []) => {
      asked.push([sql, parameters]);
      return database.query(sql, parameters);
    };
    const watched = storeOver({ ...database, query });
    await append(watched, 20);
    asked.length = 0;
    await watched.entries(0, 10);
    await watched.findEntries({ types: ['proposed'], since: AT }, { from: 0, to: 10, order: 'desc' }, 5);
    await watched.findEntries({ types: [...RARE_AUDIT_TYPES] }, { from: 0, to: 10, order: 'asc' }, 5);
    await watched.deliveries.waiting('slack', 10);
    await watched.deliveries.list({});
    const plans: string[] = [];
    for (const [sql, parameters] of asked) {
      const plan = await database.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, parameters);
      plans.push(plan.map((line) => line['QUERY PLAN']).join('\n'));
    }
    for (const plan of plans) expect(plan).not.toContain('Sort');
    expect(plans).toHaveLength(5);
    expect(plans[2]).toContain('audit_entries_rare');
  });

  it('finds entries by what the database can tell of them: never too few', async () => {
    const at = (second: number): string => new Date(Date.parse(AT) + second * 1_000 + 7).toISOString();
    const proposer = 'a "quoted" \\ name_%';
    const policy = { schemaVersion: 1, deploymentId: 'test', type: 'policy_changed' } as const;
    await store.commit({
      entries: [
        proposedEntry(reviewIdOf(0), { at: at(0) }),
        proposedEntry(reviewIdOf(1), { at: at(1), proposer }),
        { ...policy, at: at(2), policyDigest: DIGEST, previous: null },
        proposedEntry(reviewIdOf(3), { at: at(3), owner: proposer }),
      ],
    });
    const find = async (filter: EntryFilter, stretch: Partial<LogStretch> = {}, limit = 9) =>
      (await store.findEntries(filter, { from: 0, to: 4, order: 'asc', ...stretch }, limit)).map(({ index }) => index);
    expect(await find({})).toEqual([0, 1, 2, 3]);
    expect(await find({ types: ['policy_changed', 'expired'] })).toEqual([2]);
    expect(await find({ person: proposer })).toEqual([1, 3]);
    expect(await find({ person: 'quoted' })).toEqual([]);
    expect(await find({ since: at(1), until: at(2) })).toEqual([1, 2]);
    expect(await find({ types: ['proposed'] }, { from: 1, order: 'desc' }, 1)).toEqual([3]);
    expect(await find({ types: ['proposed'] }, { to: 1 })).toEqual([0]);
  });

  it('every entry is included in every later head, and every head extends every earlier one', async () => {
    const heads = [await store.head()];
    for (const [round, count] of [1, 2, 4, 3, 11].entries()) {
      await append(store, count, 100 * round);
      heads.push(await store.head());
    }
    const entries = await store.entries(0, 100);
    expect(entries.map(({ index }) => index)).toEqual(Array.from({ length: 21 }, (_, i) => i));
    for (const { size, root } of heads) {
      for (const { index, entry } of entries.slice(0, size)) {
        const proof = hashes(await store.inclusionProof(index, size));
        expect(verifyInclusion(hashEntry(entry), index, size, proof, hash(root))).toBe(true);
      }
      for (const later of heads.filter((head) => head.size >= size)) {
        const proof = hashes(await store.consistencyProof(size, later.size));
        expect(verifyConsistency(size, later.size, proof, hash(root), hash(later.root))).toBe(true);
      }
    }
  });

  it('proofs outside of the log are refused', async () => {
    await append(store, 2);
    await expect(store.inclusionProof(2, 2)).rejects.toBeInstanceOf(RangeError);
    await expect(store.consistencyProof(2, 1)).rejects.toBeInstanceOf(RangeError);
    await expect(store.inclusionProof(0, 9)).rejects.toBeInstanceOf(RangeError);
    await expect(store.consistencyProof(1, 9)).rejects.toBeInstanceOf(RangeError);
  });

  it('keeps the newest checkpoint', async () => {
    await store.putCheckpoint(3, 'three');
    await store.putCheckpoint(1, 'one');
    await store.putCheckpoint(3, 'three again');
    expect(await store.checkpoint()).toEqual({ size: 3, note: 'three again' });
  });

  describe('tail', () => {
    const until = async (condition: () => boolean) => {
      for (let turn = 0; !condition() && turn < 500; turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    };

    it('tells every entry from now on, once and in order', async () => {
      await append(store, 3);
      const told: TailEvent[] = [];
      const stop = await store.tail((event) => told.push(event));
      for (let round = 0; round < 5; round += 1) await append(store, 7, 10 * (round + 1));
      await store.commit({
        entries: [
          {
            schemaVersion: 1,
            deploymentId: 'test',
            at: '2026-04-01T12:00:00.000Z',
            type: 'policy_changed',
            policyDigest: DIGEST,
            previous: null,
          },
        ],
      });
      await until(() => told.length >= 36);
      const expected: readonly IndexedEntry[] = await store.entries(3, 100);
      expect(told).toEqual(expected);
      stop();
      await append(store, 1, 90);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(told).toHaveLength(36);
    });

    it('a listener that throws disturbs nobody', async () => {
      const told: number[] = [];
      const warnings: Error[] = [];
      const onWarning = (warning: Error) => void warnings.push(warning);
      process.on('warning', onWarning);
      await store.tail(() => {
        throw new Error('mine');
      });
      await store.tail(({ index }) => void told.push(index));
      await append(store, 3);
      await until(() => told.length >= 3 && warnings.length > 0);
      process.off('warning', onWarning);
      expect(told).toEqual([0, 1, 2]);
      expect(warnings[0]?.message).toBe('mine');
    });
  });

  describe('whoever holds a checkpoint sees that the log was', () => {
    const key = generateKeyPairSync('ed25519');
    const trust = { deploymentId: 'test', origin: originOf('test'), keys: [key.publicKey] };
    const sign = async () => {
      const { size, root } = await store.head();
      return signCheckpoint({ origin: trust.origin, size, root: hash(root) }, key);
    };
    /** What somebody with all rights on the database can do. */
    const asOwner = async (statements: readonly string[]) => {
      for (const table of ['audit_entries', 'merkle_nodes', 'ledger']) {
        await database.query(`ALTER TABLE holdpoint.${table} DISABLE TRIGGER USER`);
      }
      for (const statement of statements) await database.query(statement);
    };
    const faultsSince = async (kept: string): Promise<readonly LogFault[]> =>
      (await checkLog(logOverStore(storeOver(database)), trust, kept)).faults;
    const cutAt = (size: number) => [
      `DELETE FROM holdpoint.audit_entries WHERE idx >= ${size}`,
      `DELETE FROM holdpoint.merkle_nodes WHERE (idx + 1) * (1::bigint << level) > ${size}`,
      `UPDATE holdpoint.audit_head SET size = 0, root = sha256(''), peaks = ''`,
    ];

    let kept: string;
    beforeEach(async () => {
      await append(store, 13);
      kept = await sign();
      await store.putCheckpoint(13, kept);
    });

    it('left alone', async () => {
      await append(store, 4, 50);
      await store.putCheckpoint(17, await sign());
      expect(await faultsSince(kept)).toEqual([]);
    });

    it('edited', async () => {
      await asOwner([
        `UPDATE holdpoint.audit_entries SET leaf = replace(leaf, 'cleanup-agent', 'another-agent') WHERE idx = 5`,
      ]);
      expect(await faultsSince(kept)).toEqual(expect.arrayContaining(['entries_changed', 'forked']));
    });

    it('short of an entry in the middle', async () => {
      await asOwner(['DELETE FROM holdpoint.audit_entries WHERE idx = 5']);
      expect(await faultsSince(kept)).toEqual(expect.arrayContaining(['entries_out_of_order']));
    });

    it('truncated', async () => {
      await asOwner(cutAt(8));
      expect(await faultsSince(kept)).toEqual(expect.arrayContaining(['rolled_back']));
    });

    it('forked: cut, written anew with another history, and signed again by a worker without memory', async () => {
      const entries = await store.entries(0, 8);
      await asOwner([...cutAt(0), 'DELETE FROM holdpoint.checkpoints']);
      const forged = storeOver(database);
      await forged.commit({ entries: entries.map(({ entry }) => entry) });
      await append(forged, 9, 700);
      store = forged;
      await forged.putCheckpoint(17, await sign());
      expect(await faultsSince(kept)).toEqual(['history_changed']);
    });
  });
});

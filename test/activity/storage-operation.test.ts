import { beforeAll, describe, expect, it } from 'vitest';
import type { Commit, Store } from '../../src/ports/store.ts';
import type { Database, Query } from '../../src/storage/database/database.ts';
import { readOperation } from '../../src/storage/operation.ts';
import {
  AT,
  beginning,
  claiming,
  opening,
  proposal,
  proposedEntry,
  reviewIdOf,
  reviewOf,
  stateWrite,
} from '../support/storage-fixtures.ts';
import { onEveryDatabase } from '../support/stores.ts';

const HOUR = 3_600_000;
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
const EMPTY = {
  pending: 0,
  pendingOldest: 0,
  deadlineElapsed: 0,
  approved: 0,
  approvedOldest: 0,
  unknown: 0,
  unknownOldest: 0,
  logSize: 0,
  checkpointAge: 0,
  outboxLag: 0,
  outbox: [],
  outboxDisabled: 0,
};

onEveryDatabase((engine) => {
  let store: Store;
  let database: Database;
  beforeAll(async () => {
    ({ store, database } = await engine.fresh());
  });

  it('an empty database has nothing that waits', async () => {
    expect(await store.operation()).toEqual(EMPTY);
    expect(store.connections()).toEqual(
      engine.name === 'pglite' ? null : expect.objectContaining({ waiting: 0, open: expect.any(Number) }),
    );
  });

  describe('with something of each', () => {
    const written: Commit[] = [];
    beforeAll(async () => {
      const stop = store.onWritten((commit) => written.push(commit));
      // Half of an hour used up.
      const [openedAt, expiresAt] = [ago(HOUR / 2), new Date(Date.now() + HOUR / 2).toISOString()];
      const pending = proposal(reviewIdOf(1), { expiresAt });
      const ledger = { ...opening(reviewIdOf(1)), at: openedAt, expiresAt } as NonNullable<Commit['ledger']>;
      await store.commit({ ...pending, key: 'pending', ledger });
      await store.commit({ ...pending, key: 'pending', ledger });
      const approved = reviewOf(reviewIdOf(2), { status: 'approved', resolvedAt: ago(2 * HOUR) });
      await store.commit({ ...proposal(reviewIdOf(2)), ledger: opening(reviewIdOf(2)) });
      await store.commit({ entries: [], review: stateWrite(approved) });
      await store.commit({ ...proposal(reviewIdOf(3)) });
      await store.commit({
        ledger: { ...claiming(reviewIdOf(3)), at: ago(3 * HOUR) } as NonNullable<Commit['ledger']>,
        entries: [],
        review: stateWrite(reviewOf(reviewIdOf(3), { status: 'approved', resolvedAt: AT })),
      });
      const outcome = { error: { code: 'lost_answer', message: '' }, finishedAt: AT };
      await store.commit({
        ledger: { to: 'unknown', reviewId: reviewIdOf(3), token: 'token-1', outcome },
        entries: [],
        review: {
          kind: 'execution',
          reviewId: reviewIdOf(3),
          execution: { status: 'outcome_unknown', error: outcome.error, startedAt: AT, finishedAt: AT },
        },
      });
      await store.commit(beginning(reviewIdOf(4)));
      await store.putCheckpoint(1, 'note');
      await database.query("UPDATE holdpoint.checkpoints SET created_at = now() - interval '1 minute'");
      await store.deliveries.enroll(['slack', 'email:ops-1']);
      await database.query("UPDATE holdpoint.destinations SET disabled_code = 'gone' WHERE name = 'slack'");
      const at = AT;
      const row = { sequence: 0, reviewId: reviewIdOf(1), event: 'review.pending', at, vote: null } as const;
      await store.deliveries.fanOut(0, 2, [
        { ...row, destination: 'email:ops-1', ordinal: 0 },
        { ...row, destination: 'email:ops-2', ordinal: 0 },
        { ...row, destination: `callback:${reviewIdOf(1)}`, ordinal: 1 },
      ]);
      stop();
      await store.commit({ entries: [proposedEntry(reviewIdOf(4))] });
    });

    it('each is counted, and its age told', async () => {
      const read = await store.operation();
      expect(read).toMatchObject({
        pending: 1,
        approved: 1,
        unknown: 1,
        logSize: 7,
        outboxLag: 5,
        outboxDisabled: 1,
      });
      expect(read.pendingOldest / 1_800).toBeCloseTo(1, 1);
      expect(read.deadlineElapsed).toBeCloseTo(0.5, 1);
      expect(read.approvedOldest / 7_200).toBeCloseTo(1, 1);
      expect(read.unknownOldest / 10_800).toBeCloseTo(1, 1);
      expect(read.checkpointAge).toBeGreaterThanOrEqual(60);
      expect(read.outbox.toSorted((a, b) => a.channel.localeCompare(b.channel))).toEqual([
        { channel: 'callback', waiting: 1, oldest: expect.any(Number) },
        { channel: 'email', waiting: 2, oldest: expect.any(Number) },
      ]);
    });

    it('a commit is told once to whom it concerns, however often it was asked for', () => {
      expect(written.filter(({ key }) => key === 'pending')).toHaveLength(1);
      expect(written).toHaveLength(7);
    });

    it('a checkpoint of all there is has no age', async () => {
      await store.putCheckpoint((await store.head()).size, 'note');
      expect(await store.operation()).toMatchObject({ checkpointAge: 0 });
    });
  });

  if (engine.name !== 'postgres') return;
  it('costs the same however much has ended: 100,000 reviews', async () => {
    // In steps: a statement may take 10 s.
    for (let from = 100; from < 100_100; from += 10_000) {
      await database.transaction(async (query) => {
        const ids = `generate_series(${from}, ${from + 9_999}) n`;
        await query('SET LOCAL session_replication_role = replica');
        await query(`INSERT INTO holdpoint.ledger
            (review_id, proposal_digest, state, opened_at, claimed_at, first_claimed_at)
          SELECT 'rev_x' || n, 'd', 'done', now(), now(), now() FROM ${ids}`);
        await query(`INSERT INTO holdpoint.reviews (review_id, status, gate, kind, execution_status, ended_at, sort_at)
          SELECT 'rev_x' || n, 'approved', 'hard', 'call', 'executed', now(), now() FROM ${ids}`);
        await query(`INSERT INTO holdpoint.deliveries (destination, idx, ord, review_id, event, at, state, settled_at)
          SELECT 'email:ops-1', n, 0, 'rev_x' || n, 'review.pending', '${AT}', 'delivered', now() FROM ${ids}`);
        await query(`INSERT INTO holdpoint.checkpoints (size, note) SELECT n, 'note' FROM ${ids}`);
      });
    }
    await database.query('ANALYZE');
    const plans: { readonly 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] }[] = [];
    const explain: Query = async (sql, parameters) => {
      plans.push(
        ...(await database.query<(typeof plans)[number]>(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, parameters)),
      );
      return database.query(sql, parameters);
    };
    expect(await readOperation(explain)).toMatchObject({ pending: 1, approved: 1, unknown: 1 });
    const nodes = plans.flatMap((plan) => nodesOf(plan['QUERY PLAN'][0].Plan));
    expect(nodes.length).toBeGreaterThan(10);
    expect(Math.max(...nodes.map(rowsOf))).toBeLessThan(20);
  });
});

interface PlanNode {
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** Rows that a step read, also those that it then left out. */
function rowsOf(node: PlanNode): number {
  return (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
}

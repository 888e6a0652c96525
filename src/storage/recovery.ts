import type { RecoveryStore } from '../ports/recovery.ts';
import type { Query } from './database/database.ts';

export function createRecoveryStore(query: Query): RecoveryStore {
  return {
    binding: async () => {
      const [row] = await query<{ namespace_id: string; cluster_id: string | null }>(
        'SELECT namespace_id, cluster_id FROM holdpoint.temporal_binding',
      );
      return row === undefined ? undefined : { namespaceId: row.namespace_id, clusterId: row.cluster_id };
    },
    bind: async ({ namespaceId, clusterId }) => {
      await query(
        `INSERT INTO holdpoint.temporal_binding (namespace_id, cluster_id) VALUES ($1, $2)
         ON CONFLICT (one) DO NOTHING`,
        [namespaceId, clusterId],
      );
    },
    rebind: async ({ namespaceId, clusterId }, lost) => {
      await query(
        `WITH bound AS (
           INSERT INTO holdpoint.temporal_binding (namespace_id, cluster_id) VALUES ($2, $3)
           ON CONFLICT (one) DO UPDATE
             SET namespace_id = excluded.namespace_id, cluster_id = excluded.cluster_id, bound_at = now()
         ), ${APPROVE}`,
        [JSON.stringify(lost), namespaceId, clusterId],
      );
    },
    // The literal conditions are those of the partial index.
    unsettled: async (state, before, limit, after) => {
      const rows = await query<{ review_id: string }>(
        `SELECT l.review_id
           FROM holdpoint.ledger l LEFT JOIN holdpoint.reviews r ON r.review_id = l.review_id
          WHERE l.state IN ('open', 'deferred', 'claimed', 'unknown') AND l.reconciled_at IS NULL
            AND l.state = $1 AND l.review_id > $4
            AND l.changed_at < $2::timestamptz AND coalesce(r.changed_at, l.changed_at) < $2::timestamptz
          ORDER BY l.review_id LIMIT $3::bigint`,
        [state, before, limit, after ?? ''],
      );
      return rows.map((row) => row.review_id);
    },
    takeLost: async (reviewId, found) => {
      const [row] = await query<{ taken: boolean }>('SELECT holdpoint.take_lost($1, $2::jsonb) AS taken', [
        reviewId,
        JSON.stringify(found),
      ]);
      return row?.taken === true;
    },
    status: async () => {
      const [row] = await query<{ halted_at: Date | null; review_ids: string[] | null; lost: number }>(
        `SELECT h.halted_at, h.review_ids, holdpoint.count_lost()::float8 AS lost
           FROM (SELECT 1) AS always LEFT JOIN holdpoint.sweep_halt h ON true`,
      );
      const { halted_at: at = null, review_ids: reviewIds, lost = 0 } = row ?? {};
      return { halt: at === null ? null : { at: at.toISOString(), reviewIds: reviewIds ?? [] }, lostLastHour: lost };
    },
    approveLost: async (lost) => {
      await query(`WITH ${APPROVE}`, [JSON.stringify(lost)]);
    },
  };
}

const APPROVE = `resumed AS (DELETE FROM holdpoint.sweep_halt)
  INSERT INTO holdpoint.lost_reviews (review_id, approved_at)
  SELECT id, now() FROM jsonb_array_elements_text($1::jsonb) AS id
  ON CONFLICT (review_id) DO UPDATE SET approved_at = now()`;

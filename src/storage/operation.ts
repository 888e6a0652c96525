import type { OperationalState } from '../ports/store.ts';
import type { Query } from './database/database.ts';

type Row = Omit<OperationalState, 'outbox'> & { readonly outbox: OperationalState['outbox'] | null };

/**
 * What operators are shown of the database, in one statement. All of it is read from an index's end or counted along a
 * partial index of what waits, so that its cost does not grow with what has ended. Ages are by the database's clock.
 */
export async function readOperation(query: Query): Promise<OperationalState> {
  const [row] = await query<Row>(`
    SELECT w.pending, w."pendingOldest", w."deadlineElapsed", a.approved, a."approvedOldest", u.unknown, u."unknownOldest",
           h.size::float8 AS "logSize", CASE WHEN c.size < h.size THEN ${age('c.created_at')} ELSE 0 END AS "checkpointAge",
           (h.size - d.next)::float8 AS "outboxLag", o.outbox, n.disabled AS "outboxDisabled"
      FROM holdpoint.audit_head h
      CROSS JOIN holdpoint.delivery_cursor d
      LEFT JOIN (SELECT size, created_at FROM holdpoint.checkpoints ORDER BY size DESC LIMIT 1) c ON true
      CROSS JOIN (SELECT
        (SELECT count(*)::float8 FROM holdpoint.reviews
          WHERE status IN ('pending', 'changes_requested') AND gate = 'hard') AS pending,
        coalesce((SELECT ${age('l.opened_at')}
           FROM holdpoint.ledger l JOIN holdpoint.reviews r USING (review_id)
          WHERE l.state = 'open' AND r.status IN ('pending', 'changes_requested') AND r.gate = 'hard'
          ORDER BY l.opened_at LIMIT 1), 0) AS "pendingOldest",
        coalesce((SELECT least(1, ${age('l.opened_at')} / nullif(extract(epoch FROM r.sort_at - l.opened_at)::float8, 0))
           FROM (SELECT review_id, sort_at FROM holdpoint.reviews
                  WHERE status = 'pending' AND gate = 'hard' AND sort_at < 'infinity'
                  ORDER BY status, sort_at, review_id LIMIT 1) r JOIN holdpoint.ledger l USING (review_id)), 0)
          AS "deadlineElapsed") w
      CROSS JOIN (SELECT count(*)::float8 AS approved, coalesce(${age('min(ended_at)')}, 0) AS "approvedOldest"
          FROM holdpoint.reviews
         WHERE status = 'approved' AND kind = 'call' AND execution_status = 'not_started') a
      CROSS JOIN (SELECT count(*)::float8 AS unknown, coalesce(${age('min(claimed_at)')}, 0) AS "unknownOldest"
          FROM holdpoint.ledger
         WHERE state IN ('open', 'deferred', 'claimed', 'unknown') AND reconciled_at IS NULL AND state = 'unknown') u
      CROSS JOIN (SELECT json_agg(k) AS outbox
          FROM (SELECT split_part(destination, ':', 1) AS channel, count(*)::float8 AS waiting,
                       ${age('min(created_at)')} AS oldest
                  FROM holdpoint.deliveries WHERE state = 'waiting' GROUP BY 1) k) o
      CROSS JOIN (SELECT count(*)::float8 AS disabled FROM holdpoint.destinations WHERE disabled_code IS NOT NULL) n`);
  if (row === undefined) throw new Error('the tables of one row are empty');
  return { ...row, outbox: row.outbox ?? [] };
}

/** Seconds since a time; never negative where a part's clock is ahead. */
function age(time: string): string {
  return `greatest(0, extract(epoch FROM now() - ${time}))::float8`;
}

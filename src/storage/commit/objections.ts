import { type ObjectionStore, type StoredObjection, StorageError } from '../../ports/store.ts';
import type { ReviewStatus } from '../../contract/review.ts';
import type { LedgerState } from '../../domain/ledger.ts';
import type { Query } from '../database/database.ts';

interface Row {
  n: number;
  review_id: string;
  envelope: string;
  stored_at: Date;
  unreadable: boolean;
}

export function createObjectionStore(query: Query): ObjectionStore {
  return {
    object: async (reviewId, envelope) => {
      const [row] = await query<{ answer: 'stored' | 'already_started' | 'already_resolved' }>(
        'SELECT holdpoint.object($1, $2) AS answer',
        [reviewId, JSON.stringify(envelope)],
      );
      if (row === undefined) throw new StorageError('storage_corrupt', 'The function gave no answer');
      return row.answer;
    },
    mayObject: async () => {
      const [row] = await query<{ may: boolean }>(
        `SELECT has_function_privilege('holdpoint.object(text, text)', 'EXECUTE') AS may`,
      );
      return row?.may === true;
    },
    ofReview: async (reviewId, limit) => {
      const rows = await query<Row>(
        `SELECT n::float8 AS n, review_id, envelope, stored_at, unreadable
           FROM holdpoint.objections WHERE review_id = $1 ORDER BY objections.n LIMIT $2::bigint`,
        [reviewId, limit],
      );
      return rows.map(readRow);
    },
    unsettled: async (after, limit) => {
      const rows = await query<Row & { state: LedgerState; status: ReviewStatus | null }>(
        `SELECT o.n::float8 AS n, o.review_id, o.envelope, o.stored_at, o.unreadable, l.state, r.status
           FROM holdpoint.objections o
           JOIN holdpoint.ledger l ON l.review_id = o.review_id
           LEFT JOIN holdpoint.reviews r ON r.review_id = o.review_id
          WHERE o.settled_at IS NULL AND o.n > $1::bigint ORDER BY o.n LIMIT $2::bigint`,
        [after, limit],
      );
      return rows.map((row) => ({ ...readRow(row), ledger: row.state, status: row.status }));
    },
    settle: async (n) => {
      await query('UPDATE holdpoint.objections SET settled_at = now() WHERE n = $1::bigint', [n]);
    },
    setUnreadable: async (n, unreadable) => {
      await query('UPDATE holdpoint.objections SET unreadable = $2::text::boolean WHERE n = $1::bigint', [
        n,
        String(unreadable),
      ]);
    },
    countUnreadable: async () => {
      const [row] = await query<{ count: number }>(
        'SELECT count(*)::float8 AS count FROM holdpoint.objections WHERE unreadable AND settled_at IS NULL',
      );
      return row?.count ?? 0;
    },
  };
}

function readRow(row: Row): StoredObjection {
  return {
    n: row.n,
    reviewId: row.review_id,
    envelope: parse(row.envelope),
    storedAt: row.stored_at.getTime(),
    unreadable: row.unreadable,
  };
}

/** The text was chosen by a caller who may store objections. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

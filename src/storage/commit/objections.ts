import type { ObjectionStore, StoredObjection, UnsettledObjection } from '../../ports/objections.ts';
import { StorageError } from '../../ports/store.ts';
import type { Query } from '../database/database.ts';
import { parseJson } from '../database/text.ts';

type Row = Omit<StoredObjection, 'envelope' | 'storedAt'> & { readonly envelope: string; readonly storedAt: Date };

/** Columns of a {@link Row}. */
const ROW = `o.n::float8 AS n, o.review_id AS "reviewId", o.envelope, o.stored_at AS "storedAt", o.unreadable`;

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
        `SELECT ${ROW} FROM holdpoint.objections o WHERE o.review_id = $1 ORDER BY o.n LIMIT $2::bigint`,
        [reviewId, limit],
      );
      return rows.map(readRow);
    },
    unsettled: async (after, limit) => {
      const rows = await query<Row & Pick<UnsettledObjection, 'ledger' | 'status'>>(
        `SELECT ${ROW}, l.state AS ledger, r.status
           FROM holdpoint.objections o
           JOIN holdpoint.ledger l ON l.review_id = o.review_id
           LEFT JOIN holdpoint.reviews r ON r.review_id = o.review_id
          WHERE o.settled_at IS NULL AND o.n > $1::bigint ORDER BY o.n LIMIT $2::bigint`,
        [after, limit],
      );
      return rows.map(readRow);
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

function readRow<R extends Row>({
  envelope,
  storedAt,
  ...row
}: R): Omit<R, 'envelope' | 'storedAt'> & Pick<StoredObjection, 'envelope' | 'storedAt'> {
  return { ...row, envelope: parseJson(envelope), storedAt: storedAt.getTime() };
}

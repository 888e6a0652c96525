import type { DsseEnvelope } from '../../contract/envelope.ts';
import type { StatementStore } from '../../ports/statements.ts';
import type { Query } from '../database/database.ts';

/** {@link StatementStore} over the `statements` and `statement_requests` tables. */
export function createStatementStore(query: Query): StatementStore {
  return {
    request: async (reviewId) => {
      await query('INSERT INTO holdpoint.statement_requests (review_id) VALUES ($1) ON CONFLICT DO NOTHING', [
        reviewId,
      ]);
    },
    requested: async (limit) => {
      const rows = await query<{ review_id: string }>(
        'SELECT review_id FROM holdpoint.statement_requests ORDER BY asked_at LIMIT $1::bigint',
        [limit],
      );
      return rows.map((row) => row.review_id);
    },
    answer: async (reviewId, statement) => {
      if (statement !== undefined) {
        await query(
          `INSERT INTO holdpoint.statements (review_id, envelope) VALUES ($1, $2)
           ON CONFLICT (review_id) DO UPDATE SET envelope = excluded.envelope`,
          [reviewId, JSON.stringify(statement)],
        );
      }
      // Second: a reader who sees the request gone finds the statement.
      await query('DELETE FROM holdpoint.statement_requests WHERE review_id = $1', [reviewId]);
    },
    read: async (reviewId) => {
      const [row] = await query<{ envelope: string | null; requested: boolean }>(
        `SELECT (SELECT envelope FROM holdpoint.statements WHERE review_id = $1) AS envelope,
                EXISTS (SELECT FROM holdpoint.statement_requests WHERE review_id = $1) AS requested`,
        [reviewId],
      );
      const envelope = row?.envelope ?? null;
      return {
        statement: envelope === null ? null : (JSON.parse(envelope) as DsseEnvelope),
        isRequested: row?.requested ?? false,
      };
    },
  };
}

import type { ProposedCalls } from '../../ports/proposed-calls.ts';
import type { Query } from '../database/database.ts';
import { storableText } from '../database/text.ts';

/**
 * Kept among the idempotency keys, which the api may add to and nobody may change. A caller's own key cannot pass for
 * one of these: it would have to hold the fingerprint, which takes the api's key.
 */
export function createProposedCalls(query: Query): ProposedCalls {
  return {
    note: async (proposer, fingerprint, reviewId) => {
      await query(
        `INSERT INTO holdpoint.idempotency (proposer, key, review_id, fingerprint) VALUES ($1, $2, $3, $4)
         ON CONFLICT (proposer, key) DO NOTHING`,
        [storableText(proposer), `call:${fingerprint}:${reviewId}`, reviewId, fingerprint],
      );
    },
    findRejected: async (proposer, fingerprint, since) => {
      const [row] = await query<{ review_id: string }>(
        // From the few that people rejected to the key, one by one: a join would read every proposal of this call. Who
        // rejects does so before the deadline, which is what the index is ordered by.
        `SELECT r.review_id FROM holdpoint.reviews r
          WHERE r.proposer = $1 AND r.status = 'rejected' AND r.sort_at > $3::timestamptz AND r.ended_at > $3::timestamptz
            AND (SELECT true FROM holdpoint.idempotency i WHERE i.proposer = $1 AND i.key = $2 || r.review_id)
          ORDER BY r.ended_at DESC LIMIT 1`,
        [storableText(proposer), `call:${fingerprint}:`, since],
      );
      return row?.review_id;
    },
  };
}

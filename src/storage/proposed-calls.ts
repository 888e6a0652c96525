import type { ProposedCalls } from '../contract/proposed-calls.ts';
import type { Query } from './database.ts';
import { storableText } from './text.ts';

/** Newest proposals of one call that are looked through; ids of reviews sort by time. */
const LOOKED_AT = 100;

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
        `SELECT r.review_id
           FROM (SELECT review_id FROM holdpoint.idempotency
                  WHERE proposer = $1 AND key > $2 AND key < $3 ORDER BY key DESC LIMIT ${LOOKED_AT}) c
           JOIN holdpoint.reviews r ON r.review_id = c.review_id
          WHERE r.status = 'rejected' AND r.ended_at > $4::timestamptz
          ORDER BY r.ended_at DESC LIMIT 1`,
        // `;` is the character after `:`.
        [storableText(proposer), `call:${fingerprint}:`, `call:${fingerprint};`, since],
      );
      return row?.review_id;
    },
  };
}

import type { Material, ReviewStatus } from '../../contract/review.ts';
import type { DsseEnvelope } from '../../contract/envelope.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import type { Store, StoredReview } from '../../ports/store.ts';
import type { Query } from '../database/database.ts';
import { readLedgerRow, type StoredLedgerRow } from '../commit/ledger-row.ts';
import { composeReview, endReview } from './review-row.ts';
import type { StoredEnvelope } from '../../domain/gate/change.ts';
import { storableText } from '../../domain/json/storable.ts';

async function readLedger(query: Query, reviewId: string): Promise<LedgerRow | undefined> {
  const [found] = await query<{ row: StoredLedgerRow }>(
    `SELECT to_jsonb(l) || jsonb_build_object('objections',
              (SELECT count(*) FROM holdpoint.objections o WHERE o.review_id = l.review_id)) AS row
       FROM holdpoint.ledger l WHERE l.review_id = $1`,
    [reviewId],
  );
  return found === undefined ? undefined : readLedgerRow(found.row);
}

async function readReview(query: Query, reviewId: string): Promise<StoredReview | undefined> {
  const [found] = await query<{
    state: string;
    execution: string | null;
    ended_as: ReviewStatus | null;
    ended_at: Date | null;
    index: number;
  }>(
    `SELECT state, execution, ended_as, ended_at, last_index::float8 AS index
       FROM holdpoint.reviews WHERE review_id = $1 AND state IS NOT NULL`,
    [reviewId],
  );
  if (found === undefined) return undefined;
  const review = composeReview(found.state, found.execution);
  const { ended_as: status, ended_at: at, index } = found;
  const shown = status === null || at === null ? review : endReview(review, status, at.toISOString());
  return { review: shown, index };
}

type ReviewReads = Pick<
  Store,
  | 'readLedger'
  | 'readReview'
  | 'readRecord'
  | 'countPending'
  | 'countChanges'
  | 'nthLastClaim'
  | 'admitSensitive'
  | 'putEvidence'
  | 'readEvidence'
>;

/** Single rows and counts around reviews. */
export function createReviewReads(query: Query): ReviewReads {
  return {
    readLedger: (reviewId) => readLedger(query, reviewId),
    readReview: (reviewId) => readReview(query, reviewId),
    readRecord: async (reviewId) => {
      const rows = await query<{ part: 'review' | 'envelope' | 'material'; body: string | null }>(
        `SELECT 'review' AS part, NULL AS body, 0 AS place FROM holdpoint.reviews WHERE review_id = $1 AND state IS NOT NULL
         UNION ALL SELECT 'envelope', body, n FROM holdpoint.review_envelopes WHERE review_id = $1
         UNION ALL SELECT 'material', body, revision FROM holdpoint.review_materials WHERE review_id = $1
         ORDER BY part, place`,
        [reviewId],
      );
      if (!rows.some((row) => row.part === 'review')) return undefined;
      const partsOf = <Part>(name: 'envelope' | 'material') =>
        rows.flatMap(({ part, body }) => (part === name && body !== null ? [JSON.parse(body) as Part] : []));
      return { envelopes: partsOf<StoredEnvelope>('envelope'), materials: partsOf<Material>('material') };
    },
    countPending: async (of) => {
      // In the "C" collation every text with this prefix stands before the prefix followed by the last character.
      const [condition, parameters] =
        typeof of === 'string'
          ? ['proposer = $1', [storableText(of)]]
          : ['proposer >= $1 AND proposer < $2', [of.prefix, `${of.prefix}\u{10ffff}`]];
      const [row] = await query<{ count: number }>(
        `SELECT count(*)::float8 AS count FROM holdpoint.reviews
          WHERE ${condition} AND status IN ('pending', 'changes_requested') AND gate = 'hard'`,
        parameters,
      );
      return row?.count ?? 0;
    },
    countChanges: async (after, proposer, most) => {
      const [row] = await query<{ count: number }>(
        `SELECT count(*)::float8 AS count FROM (SELECT FROM holdpoint.reviews r
           WHERE r.proposer = $1 AND r.last_index > $2::bigint ORDER BY r.last_index LIMIT $3::bigint) changed`,
        [storableText(proposer), after, most],
      );
      return row?.count ?? 0;
    },
    nthLastClaim: async (tool, n) => {
      const [row] = await query<{ claimed_at: Date }>(
        `SELECT claimed_at FROM holdpoint.claim_times WHERE tool = $1
          ORDER BY claimed_at DESC, review_id DESC OFFSET $2::bigint LIMIT 1`,
        [storableText(tool), n - 1],
      );
      return row?.claimed_at.toISOString();
    },
    admitSensitive: async (tool, reviewId, atMost) => {
      const [row] = await query<{ admitted: boolean }>(
        'SELECT holdpoint.admit_sensitive($1, $2, $3::integer) AS admitted',
        [storableText(tool), reviewId, atMost],
      );
      return row?.admitted === true;
    },
    putEvidence: async (reviewId, revision, envelope) => {
      await query(
        `INSERT INTO holdpoint.evidence (review_id, revision, envelope) VALUES ($1, $2::integer, $3)
         ON CONFLICT (review_id, revision) DO UPDATE SET envelope = excluded.envelope`,
        [reviewId, revision, JSON.stringify(envelope)],
      );
    },
    readEvidence: async (reviewId, revision) => {
      const [row] = await query<{ envelope: string }>(
        'SELECT envelope FROM holdpoint.evidence WHERE review_id = $1 AND revision = $2::integer',
        [reviewId, revision],
      );
      return row === undefined ? undefined : (JSON.parse(row.envelope) as DsseEnvelope);
    },
  };
}

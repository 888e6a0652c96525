import { NOT_STARTED, type ExecutionView, type RelatedReview, type Review } from '../contract/review.ts';
import { StorageError } from '../ports/store.ts';
import type { BoundCall, CallBinding, McpRequests, ProposedCalls } from '../ports/proposed-calls.ts';
import { relatedSince, relateReviews, repeatsToConfirm, type TriedCall } from '../domain/related.ts';
import type { Query } from './database/database.ts';
import { readRow, type FoundRow } from './reviews/list.ts';
import type { ListRow } from './reviews/review-row.ts';
import { storableText } from '../domain/json/storable.ts';

/** Reviews that are read to tell of one: equal ones come first. */
const MOST_TRIED = 50;

/** As the index `reviews_tried` has it: reviews that have not ended come last in time. */
const ENDED_AT = "coalesce(t.ended_at, 'infinity'::timestamptz)";
/** Held calls of the same agent and tool that are open or ended since a time, but for the review itself. */
const TRIED = `t.proposer = $1 AND t.tool = $2 AND t.kind = 'call' AND t.gate = 'hard' AND t.review_id <> $3
                 AND ${ENDED_AT} > $6::timestamptz AND t.list_row IS NOT NULL`;

/** {@link ProposedCalls} over the `proposed_calls` and `idempotency` tables. */
export function createProposedCalls(query: Query): ProposedCalls {
  return {
    bind: (binding) => bindCall(query, binding),
    note: async (proposer, { call, intent }, reviewId, revision, at) => {
      await query(
        `INSERT INTO holdpoint.proposed_calls (review_id, revision, proposer, call, intent, noted_at)
         VALUES ($1, $2::integer, $3, $4, $5, $6::timestamptz) ON CONFLICT (review_id, revision) DO NOTHING`,
        [reviewId, revision, storableText(proposer), call, intent, at],
      );
    },
    related: async (review, call) => readRelated(query, review, call, `${HAS_EQUAL} OR ${HAS_CORRECTED}`),
    repeats: async (review, call) => repeatsToConfirm(await readRelated(query, review, call, HAS_EQUAL)),
  };
}

/** Of nearly every review there is nothing to tell, which is found along indexes. `condition`: what there must be. */
async function readRelated(
  query: Query,
  review: Review,
  call: string | undefined,
  condition: string,
): Promise<readonly RelatedReview[]> {
  if (review.kind !== 'call' || review.gate !== 'hard') return [];
  const [asked] = await query<{ found: boolean }>(`SELECT ${condition} AS found`, parametersOf(review, call));
  return asked?.found === true ? relateReviews(review, await readTried(query, review, call)) : [];
}

async function bindCall(query: Query, binding: CallBinding): Promise<BoundCall> {
  const { proposer, key, reviewId, fingerprints, attach, taken, at } = binding;
  const [bound] = await query<{ bound_to: string; seen_body: string | null; is_attached: boolean }>(
    'SELECT * FROM holdpoint.bind_call($1, $2, $3, $4, $5, $6, $7::text[], $8::timestamptz)',
    [
      storableText(proposer),
      key === undefined ? null : storableText(key.key),
      key?.fingerprint ?? null,
      reviewId,
      fingerprints?.call ?? null,
      fingerprints?.intent ?? null,
      attach ? taken : null,
      at,
    ],
  );
  if (bound === undefined) throw new StorageError('storage_corrupt', 'An idempotency key is there and is not');
  const { bound_to: boundTo, seen_body: body, is_attached: attached } = bound;
  if (body === null) return { kind: attached ? 'attached' : 'new', reviewId: boundTo };
  return { kind: 'seen', reviewId: boundTo, matches: body === key?.fingerprint, attached };
}

interface FoundCall extends FoundRow {
  execution: string | null;
  equal: boolean;
  equal_before: boolean;
}

/** Versions of calls that are equal to `call`, or to the version of the review that stands. */
const EQUAL = `holdpoint.proposed_calls p
             WHERE p.proposer = $1
               AND p.call = coalesce($5::text, (SELECT own.call FROM holdpoint.proposed_calls own
                                                 WHERE own.review_id = $3 AND own.revision = $4::integer))`;

/** As the page says it: reviews that people edited or rejected, or stopped when they were approved. */
const CORRECTED = `t.status = 'rejected' OR t.list_row NOT LIKE '%"editedBy":null%'
                   OR (t.execution_status = 'failed' AND t.execution LIKE '%"stopped":%')`;

function parametersOf(review: Review, call: string | undefined): readonly unknown[] {
  const { reviewId, revision, proposer } = review;
  return [
    storableText(proposer.id),
    storableText(review.call.tool),
    reviewId,
    revision,
    call ?? null,
    relatedSince(review),
  ];
}

const HAS_EQUAL = `EXISTS (SELECT FROM ${EQUAL}
               AND EXISTS (SELECT FROM holdpoint.reviews t WHERE t.review_id = p.review_id AND ${TRIED}))`;

/** The last ones that ended, and that are open. */
const [ENDED, OPEN] = ['<', '='].map(
  (sign) => `(SELECT t.* FROM holdpoint.reviews t WHERE ${TRIED} AND ${ENDED_AT} ${sign} 'infinity'
                    ORDER BY ${ENDED_AT} DESC, t.review_id DESC LIMIT ${MOST_TRIED}) t`,
);
const HAS_CORRECTED = `EXISTS (SELECT FROM ${ENDED} WHERE ${CORRECTED}) OR EXISTS (SELECT FROM ${OPEN} WHERE ${CORRECTED})`;

/**
 * Equal calls, and of the others as many as are read: each found by an index. An agent may have had thousands of calls
 * of one tool in the hour.
 */
async function readTried(query: Query, review: Review, call: string | undefined): Promise<readonly TriedCall[]> {
  const found = await query<FoundCall>(
    `WITH equal AS MATERIALIZED (SELECT p.review_id, p.revision FROM ${EQUAL}),
          near AS MATERIALIZED (
            SELECT review_id FROM equal
            UNION SELECT t.review_id FROM ${ENDED}
            UNION SELECT t.review_id FROM ${OPEN})
     SELECT t.review_id, t.ended_at, t.list_row, t.execution, t.execution_status, t.ended_as,
            EXISTS (SELECT FROM equal e WHERE e.review_id = t.review_id AND e.revision = t.revision) AS equal,
            EXISTS (SELECT FROM equal e WHERE e.review_id = t.review_id AND e.revision < t.revision) AS equal_before
       -- OFFSET 0: by their ids, not all of the index again.
       FROM near CROSS JOIN LATERAL (SELECT * FROM holdpoint.reviews r WHERE r.review_id = near.review_id OFFSET 0) t
      WHERE ${TRIED}
      ORDER BY equal DESC, equal_before DESC, t.ended_at DESC NULLS LAST, t.review_id DESC LIMIT ${MOST_TRIED}`,
    parametersOf(review, call),
  );
  const now = Date.now();
  return found.map((row): TriedCall => {
    const { by, editedBy } = JSON.parse(row.list_row) as ListRow;
    const execution = row.execution === null ? NOT_STARTED : (JSON.parse(row.execution) as ExecutionView);
    return { row: readRow(row, now), execution, by, editedBy, equal: row.equal, equalBefore: row.equal_before };
  });
}

/** {@link McpRequests} over the `mcp_requests` table. */
export function createMcpRequests(query: Query): McpRequests {
  return {
    begin: async (request, key, at, since) => {
      await query('DELETE FROM holdpoint.mcp_requests WHERE began_at <= $1::timestamptz', [since]);
      const [row] = await query<{ key: string }>(
        `INSERT INTO holdpoint.mcp_requests AS r (request, key, began_at) VALUES ($1, $2, $3::timestamptz)
         ON CONFLICT (request) DO UPDATE SET key = r.key RETURNING key`,
        [request, key, at],
      );
      return row?.key ?? key;
    },
    answered: async (request) => {
      await query('DELETE FROM holdpoint.mcp_requests WHERE request = $1', [request]);
    },
  };
}

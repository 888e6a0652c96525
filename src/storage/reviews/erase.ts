import { NOT_STARTED, type ExecutionView, type Review } from '../../contract/review.ts';
import type { ExecutionOutcome } from '../../domain/ledger.ts';
import type { Query } from '../database/database.ts';
import { listRowOf } from './review-row.ts';

const BATCH = 100;
/** Bytes of one batch, beyond its first review: what is in memory, and locked, at once. */
const BATCH_SIZE = 4_000_000;

/** Place in the order in which reviews ended. */
interface Place {
  readonly ended_at: string;
  readonly review_id: string;
}

interface ErasableRow {
  review_id: string;
  state: string;
  execution: string | null;
  outcome: string | null;
}

/**
 * Erases what people and targets said in reviews that ended before a time and have nothing left to happen. Names,
 * times, codes and digests stay, and so does the log, which never held anything else. Each batch is a transaction of its
 * own: cut short, it goes on where it stopped.
 *
 * @param onBatch told after every batch how many were erased so far
 * @returns how many reviews were erased
 */
export async function eraseEnded(
  query: Query,
  endedBefore: string,
  onBatch: (erased: number) => void = () => undefined,
): Promise<number> {
  let erased = 0;
  let last = await eraseBatch({ ended_at: '-infinity', review_id: '' });
  while (last !== undefined) {
    onBatch(erased);
    last = await eraseBatch(last);
  }
  return erased;

  /** Returns the last one; undefined where none was left. What cannot be erased yet is passed once, not with each batch. */
  async function eraseBatch({ ended_at: endedAt, review_id: reviewId }: Place): Promise<Place | undefined> {
    const found = await query<Place & { size: number }>(
      `SELECT r.review_id, r.ended_at::text AS ended_at, (octet_length(r.state) + coalesce(octet_length(r.execution), 0)
                + coalesce(octet_length(l.outcome), 0))::float8 AS size
         FROM holdpoint.reviews r LEFT JOIN holdpoint.ledger l ON l.review_id = r.review_id
        WHERE r.ended_at < $1::timestamptz AND (r.ended_at, r.review_id) > ($2::timestamptz, $3)
          AND r.erased_at IS NULL AND r.state IS NOT NULL
          AND (l.state IS NULL OR l.state IN ('denied', 'done', 'failed') OR l.reconciled_at IS NOT NULL
               OR r.kind = 'in-flow')
        ORDER BY r.ended_at, r.review_id LIMIT ${BATCH}`,
      [endedBefore, endedAt, reviewId],
    );
    let size = 0;
    const batch = found.filter((row, n) => (size += row.size) <= BATCH_SIZE || n === 0);
    if (batch.length === 0) return undefined;
    const rows = await query<ErasableRow>(
      `SELECT r.review_id, r.state, r.execution, l.outcome
         FROM holdpoint.reviews r LEFT JOIN holdpoint.ledger l ON l.review_id = r.review_id
        WHERE r.review_id = ANY ($1::text[])`,
      [batch.map((row) => row.review_id)],
    );
    const [answer] = await query<{ count: number }>(
      'SELECT holdpoint.erase_reviews($1::text::jsonb)::float8 AS count',
      [JSON.stringify(rows.map(eraseRow))],
    );
    erased += answer?.count ?? 0;
    return batch.at(-1);
  }
}

function eraseRow(row: ErasableRow): Record<string, string | null> {
  const execution = row.execution === null ? NOT_STARTED : (JSON.parse(row.execution) as ExecutionView);
  const review = eraseReview({ ...(JSON.parse(row.state) as Review), execution });
  const { execution: emptied, ...state } = review;
  return {
    review_id: row.review_id,
    state: JSON.stringify(state),
    list_row: JSON.stringify(listRowOf(review)),
    execution: JSON.stringify(emptied),
    outcome: row.outcome === null ? null : JSON.stringify(eraseOutcome(JSON.parse(row.outcome) as ExecutionOutcome)),
  };
}

/** Arguments, targets, evidence, results and everybody's free text go. */
function eraseReview(review: Review): Review {
  const silent = <D extends { comment: string | null }>(decision: D): D => ({ ...decision, comment: null });
  return {
    ...review,
    call: { ...review.call, arguments: null },
    target: null,
    context: {},
    evidence: [],
    amounts: [],
    sentence: [],
    reason: null,
    title: null,
    callback: null,
    feedback: null,
    previewError: review.previewError === null ? null : { code: review.previewError.code, message: '' },
    revisions: review.revisions.map((revision) => ({
      ...revision,
      call: { ...revision.call, arguments: null },
      decisions: revision.decisions.map(silent),
    })),
    levels: review.levels.map((level) => ({ ...level, decisions: level.decisions.map(silent) })),
    resolution: eraseResolution(review.resolution),
    execution: eraseExecution(review.execution),
  };
}

function eraseResolution(resolution: Review['resolution']): Review['resolution'] {
  if (resolution === null) return null;
  const { response: _response, ...rest } = resolution;
  return { ...rest, comment: null };
}

function eraseExecution({ body: _body, reconciled, stopped, deferred, error, ...rest }: ExecutionView): ExecutionView {
  return {
    ...rest,
    error: error === null ? null : { code: error.code, message: '' },
    ...(reconciled === undefined ? {} : { reconciled: { ...reconciled, note: '' } }),
    ...(deferred === undefined ? {} : { deferred: { ...deferred, message: '' } }),
    ...(stopped === undefined ? {} : { stopped: { ...stopped, comment: null } }),
  };
}

function eraseOutcome({ body: _body, error, ...rest }: ExecutionOutcome): ExecutionOutcome {
  return { ...rest, error: error === null ? null : { code: error.code, message: '' } };
}

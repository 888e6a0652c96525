import { NOT_STARTED, type ExecutionView, type Review } from '../../contract/review.ts';
import type { ExecutionOutcome } from '../../domain/ledger.ts';
import type { Query } from '../database/database.ts';
import { listRowOf } from './review-row.ts';

const BATCH = 100;

interface ErasableRow {
  review_id: string;
  state: string;
  execution: string | null;
  outcome: string | null;
}

/**
 * Erases what people and targets said in reviews that ended before a time and have nothing left to happen. Names,
 * times, codes and digests stay, and so does the log, which never held anything else.
 *
 * @returns how many reviews were erased
 */
export async function eraseEnded(query: Query, endedBefore: string): Promise<number> {
  let erased = 0;
  for (;;) {
    const rows = await query<ErasableRow>(
      `SELECT r.review_id, r.state, r.execution, l.outcome
         FROM holdpoint.reviews r LEFT JOIN holdpoint.ledger l ON l.review_id = r.review_id
        WHERE r.ended_at < $1::timestamptz AND r.erased_at IS NULL AND r.state IS NOT NULL
          AND (l.state IS NULL OR l.state IN ('denied', 'done', 'failed') OR l.reconciled_at IS NOT NULL
               OR r.kind = 'in-flow')
        ORDER BY r.ended_at LIMIT ${BATCH}`,
      [endedBefore],
    );
    if (rows.length === 0) return erased;
    const [answer] = await query<{ count: number }>(
      'SELECT holdpoint.erase_reviews($1::text::jsonb)::float8 AS count',
      [JSON.stringify(rows.map(eraseRow))],
    );
    if (answer === undefined || answer.count === 0) return erased;
    erased += answer.count;
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

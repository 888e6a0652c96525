import { hasEnded, STATUSES, type ReviewRow, type ReviewStatus } from '../contract/review.ts';
import type { ListFilter } from '../contract/store.ts';
import type { Query } from './database.ts';
import { showListRow, type ListRow } from './review-row.ts';
import { storableText } from './text.ts';

/** Place of a row in the order of lists: deadline (`infinity` where there is none), then id. */
interface Cursor {
  readonly sortAt: string;
  readonly reviewId: string;
}

const BEGINNING: Cursor = { sortAt: '-infinity', reviewId: '' };

interface FoundRow {
  list_row: string;
  execution_status: ReviewRow['executionStatus'];
  ended_as: ReviewStatus | null;
  ended_at: Date | null;
}

/**
 * One page. Every status (or, for `approver=me`, every group) is walked along an index that holds the order, and the
 * walks are merged, so that a page costs the same however many reviews wait behind it.
 */
export async function listReviews(
  query: Query,
  filter: ListFilter,
  limit: number,
  cursor?: string,
): Promise<{ rows: readonly ReviewRow[]; nextCursor: string | null } | undefined> {
  const after = cursor === undefined ? BEGINNING : decodeCursor(cursor);
  if (after === undefined) return undefined;
  const { sql, parameters } = statementFor(filter, limit + 1, after);
  const found = await query<FoundRow>(sql, parameters);
  const now = Date.now();
  const rows = found.slice(0, limit).map((row) => readRow(row, now));
  const last = rows.at(-1);
  return { rows, nextCursor: found.length > limit && last !== undefined ? encodeCursor(last) : null };
}

function readRow(found: FoundRow, now: number): ReviewRow {
  const stored = JSON.parse(found.list_row) as ListRow;
  const ended =
    found.ended_as === null || found.ended_at === null || hasEnded(stored.row.status)
      ? null
      : { status: found.ended_as, at: found.ended_at.toISOString() };
  return showListRow(stored, found.execution_status, ended, now);
}

function statementFor(filter: ListFilter, limit: number, after: Cursor): { sql: string; parameters: unknown[] } {
  const parameters: unknown[] = [];
  const bind = (value: unknown) => `$${parameters.push(value)}`;
  const sortAt = bind(after.sortAt);
  const reviewId = bind(after.reviewId);
  const count = bind(limit);
  const conditions = conditionsOf(filter, bind);

  const walk = (order: string, from: string, condition: string) => `
    SELECT ${order}.sort_at, ${order}.review_id FROM ${from}
     WHERE ${[condition, `(${order}.sort_at, ${order}.review_id) > (${sortAt}::timestamptz, ${reviewId}::text)`, ...conditions].join(' AND ')}
     ORDER BY ${order}.sort_at, ${order}.review_id LIMIT ${count}::bigint`;
  const { approverGroups, status } = filter;
  let walks: string;
  if (approverGroups !== undefined) {
    const groups = bind(approverGroups.map(storableText));
    if (status !== undefined) conditions.push(`r.status = ANY (${bind(status)}::text[])`);
    walks = `unnest(${groups}::text[]) AS walked(name) CROSS JOIN LATERAL (${walk(
      'a',
      'holdpoint.review_approvers a JOIN holdpoint.reviews r ON r.review_id = a.review_id',
      '(a.from_at IS NULL OR a.from_at <= now()) AND a.group_name = walked.name',
    )}) w`;
  } else {
    const statuses = bind(
      [...new Set(status ?? STATUSES)].filter((name) => (STATUSES as readonly string[]).includes(name)),
    );
    walks = `unnest(${statuses}::text[]) AS walked(name) CROSS JOIN LATERAL (${walk(
      'r',
      'holdpoint.reviews r',
      'r.status = walked.name',
    )}) w`;
  }
  const sql = `
    SELECT r.list_row, r.execution_status, r.ended_as, r.ended_at
      FROM (SELECT DISTINCT w.sort_at, w.review_id FROM ${walks}
             ORDER BY w.sort_at, w.review_id LIMIT ${count}::bigint) page
      JOIN holdpoint.reviews r ON r.review_id = page.review_id
     ORDER BY page.sort_at, page.review_id`;
  return { sql, parameters };
}

function conditionsOf(filter: ListFilter, bind: (value: unknown) => string): string[] {
  const columns = {
    tool: filter.tool,
    service: filter.service,
    proposer: filter.proposer,
    thread_id: filter.threadId,
    group_name: filter.group,
  };
  return Object.entries(columns).flatMap(([column, value]) =>
    value === undefined ? [] : `r.${column} = ${bind(storableText(value))}::text`,
  );
}

function encodeCursor(row: ReviewRow): string {
  const time = row.expiresAt === null ? Number.NaN : Date.parse(row.expiresAt);
  const sortAt = Number.isNaN(time) ? 'infinity' : new Date(time).toISOString();
  return Buffer.from(`${sortAt} ${row.reviewId}`).toString('base64url');
}

/** A cursor comes back from a caller: undefined where it is not one of ours. */
function decodeCursor(cursor: string): Cursor | undefined {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const match = /^(infinity|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z) (rev_[0-9A-HJKMNP-TV-Z]{26})$/.exec(text);
  const [, sortAt = '', reviewId = ''] = match ?? [];
  if (match === null || (sortAt !== 'infinity' && Number.isNaN(Date.parse(sortAt)))) return undefined;
  return { sortAt, reviewId };
}

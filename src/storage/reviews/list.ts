import { STATUSES, type ReviewRow, type ReviewStatus } from '../../contract/review.ts';
import { hasEnded } from '../../domain/lifecycle.ts';
import type { ListFilter, Store } from '../../ports/store.ts';
import type { Query } from '../database/database.ts';
import { showListRow, type ListRow } from './review-row.ts';
import { storableText } from '../../domain/json/storable.ts';

/** Place of a row in the order of lists: deadline (`infinity` where there is none), then id. */
interface Cursor {
  readonly sortAt: string;
  readonly reviewId: string;
}

const BEGINNING: Cursor = { sortAt: '-infinity', reviewId: '' };

export interface FoundRow {
  list_row: string;
  execution_status: ReviewRow['executionStatus'];
  ended_as: ReviewStatus | null;
  ended_at: Date | null;
}

/** Lists of reviews. See {@link Store}. */
export function createReviewLists(query: Query): Pick<Store, 'listReviews' | 'changes'> {
  return {
    // Every status (or, for `approver=me`, every group) is walked along an index that holds the order, and the walks are
    // merged, so that a page costs the same however many reviews wait behind it.
    listReviews: async (filter, limit, cursor) => {
      const after = cursor === undefined ? BEGINNING : decodeCursor(cursor);
      if (after === undefined) return undefined;
      const { sql, parameters } = statementFor(filter, limit + 1, after);
      const found = await query<FoundRow>(sql, parameters);
      const now = Date.now();
      const rows = found.slice(0, limit).map((row) => readRow(row, now));
      const last = rows.at(-1);
      return { rows, nextCursor: found.length > limit && last !== undefined ? encodeCursor(last) : null };
    },
    changes: async (after, limit, proposer) => {
      const own = proposer === undefined ? [] : [storableText(proposer)];
      const found = await query<FoundRow & { index: number }>(
        `SELECT last_index::float8 AS index, list_row, execution_status, ended_as, ended_at FROM holdpoint.reviews r
          WHERE (r.last_index, r.review_id) > ($1::bigint, $2::text) AND r.list_row IS NOT NULL
            ${proposer === undefined ? '' : 'AND r.proposer = $4::text'}
          ORDER BY r.last_index, r.review_id LIMIT $3::bigint`,
        [after.index, after.reviewId, limit, ...own],
      );
      const now = Date.now();
      return found.map((row) => ({ index: row.index, row: readRow(row, now) }));
    },
  };
}

export function readRow(found: FoundRow, now: number): ReviewRow {
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
  const walked =
    filter.approverGroups === undefined ? walkStatuses(filter, bind) : walkGroups(filter, filter.approverGroups, bind);
  const conditions = [...walked.conditions, `(w.sort_at, w.review_id) > (${sortAt}::timestamptz, ${reviewId}::text)`];
  const sql = `
    SELECT r.list_row, r.execution_status, r.ended_as, r.ended_at
      FROM (SELECT DISTINCT found.sort_at, found.review_id
              FROM unnest(${walked.names}::text[]) AS walked(name)
             CROSS JOIN LATERAL (SELECT w.sort_at, w.review_id FROM ${walked.table} w
                                  WHERE ${conditions.join(' AND ')}
                                  ORDER BY w.sort_at, w.review_id LIMIT ${count}::bigint) found
             ORDER BY found.sort_at, found.review_id LIMIT ${count}::bigint) page
      JOIN holdpoint.reviews r ON r.review_id = page.review_id
     ORDER BY page.sort_at, page.review_id`;
  return { sql, parameters };
}

type Bind = (value: unknown) => string;

/** What is walked along an index, once for each of `names`. */
interface Walk {
  readonly names: string;
  readonly table: string;
  readonly conditions: readonly string[];
}

function walkStatuses(filter: ListFilter, bind: Bind): Walk {
  const known = new Set<string>(STATUSES);
  const statuses = [...new Set(filter.status ?? STATUSES)].filter((status) => known.has(status));
  const conditions = ['w.status = walked.name', ...conditionsOf(filter, 'w', bind)];
  return { names: bind(statuses), table: 'holdpoint.reviews', conditions };
}

/**
 * Pending reviews that a group may vote on. Other filters are asked row by row, in a subquery that cannot become a
 * join: a join would be planned as a hash of everything, and the order of the index lost.
 */
function walkGroups(filter: ListFilter, groups: readonly string[], bind: Bind): Walk {
  const conditions = ['w.group_name = walked.name', 'w.from_at <= now()'];
  const rest = conditionsOf(filter, 'r', bind);
  if (filter.status !== undefined) rest.push(`r.status = ANY (${bind(filter.status)}::text[])`);
  if (rest.length > 0) {
    conditions.push(`(SELECT ${rest.join(' AND ')} FROM holdpoint.reviews r WHERE r.review_id = w.review_id)`);
  }
  return { names: bind(groups.map(storableText)), table: 'holdpoint.review_approvers', conditions };
}

function conditionsOf(filter: ListFilter, table: 'r' | 'w', bind: Bind): string[] {
  const columns = {
    tool: filter.tool,
    service: filter.service,
    proposer: filter.proposer,
    thread_id: filter.threadId,
    group_name: filter.group,
  };
  const conditions = Object.entries(columns).flatMap(([column, value]) =>
    value === undefined ? [] : `${table}.${column} = ${bind(storableText(value))}::text`,
  );
  return filter.execution === undefined
    ? conditions
    : [...conditions, ...EXECUTION_CONDITIONS[filter.execution](table)];
}

/** Word for word as in the partial indexes: behind a parameter a plan made once for all would not use them. */
const EXECUTION_CONDITIONS: Readonly<Record<NonNullable<ListFilter['execution']>, (table: string) => string[]>> = {
  outcome_unknown: (table) => [`${table}.execution_status = 'outcome_unknown'`],
  not_started: (table) => [
    `${table}.status = 'approved'`,
    `${table}.kind = 'call'`,
    `${table}.execution_status = 'not_started'`,
  ],
};

function encodeCursor(row: ReviewRow): string {
  const time = row.expiresAt === null ? Number.NaN : Date.parse(row.expiresAt);
  const sortAt = Number.isNaN(time) ? 'infinity' : new Date(time).toISOString();
  return Buffer.from(`${sortAt} ${row.reviewId}`).toString('base64url');
}

/** A cursor comes back from a caller: undefined where Holdpoint did not make it. */
function decodeCursor(cursor: string): Cursor | undefined {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const match = /^(infinity|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z) (rev_[0-9A-HJKMNP-TV-Z]{26})$/.exec(text);
  const [, sortAt = '', reviewId = ''] = match ?? [];
  if (match === null || (sortAt !== 'infinity' && Number.isNaN(Date.parse(sortAt)))) return undefined;
  return { sortAt, reviewId };
}

import type { ListOptions as ListQuery } from '../../../client/index.ts';
import { STATUSES, type ReviewRow, type ReviewStatus } from '../../../contract/review.ts';
import { hasEnded, isStatus, OPEN_STATUSES } from '../../../domain/lifecycle.ts';
import { CliError } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { renderTable } from '../../ui/table.ts';
import { titleText } from '../../../domain/show/title.ts';
import { formatLeft } from '../../../domain/text/time.ts';
import { clip, visible } from '../../../domain/text/visible.ts';
import type { GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { readAndRender } from './show.ts';
import { defined } from '../../../contract/defined.ts';

interface ListOptions extends GlobalOptions {
  readonly status?: string;
  readonly tool?: string;
  readonly service?: string;
  readonly proposer?: string;
  readonly thread?: string;
  readonly group?: string;
  readonly mine?: boolean;
  readonly unknown?: boolean;
  readonly notRun?: boolean;
  readonly all?: boolean;
  readonly limit: string;
}

export async function list(io: Io, options: ListOptions): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  const limit = parseLimit(options.limit);
  const query = { ...queryOf(options), limit: Math.min(limit, 200) };
  const rows: ReviewRow[] = [];
  let more = false;
  for await (const row of client.reviews.listAll(query)) {
    more = rows.length === limit;
    if (more) break;
    rows.push(row);
  }
  io.data({ reviews: rows, more });
  if (rows.length === 0) io.print('nothing');
  else io.print(...renderRows(io, rows));
  if (more && !io.json) io.note(`there are more; --limit shows more than ${limit}`);
}

function queryOf(options: ListOptions): Omit<ListQuery, 'limit' | 'cursor'> {
  const { tool, service, proposer, thread, group, mine, unknown, notRun } = options;
  const execution = notRun === true ? 'not_started' : unknown === true ? 'outcome_unknown' : undefined;
  const approver = mine === true ? 'me' : undefined;
  return defined({
    status: parseStatuses(options),
    tool,
    service,
    proposer,
    threadId: thread,
    group,
    approver,
    execution,
  } as const);
}

function parseStatuses(options: ListOptions): ReviewStatus[] | undefined {
  if ([options.all, options.mine, options.unknown, options.notRun].includes(true)) return undefined;
  const names = (options.status ?? OPEN_STATUSES.join(',')).split(',').map((name) => name.trim());
  const unknown = names.find((name) => !isStatus(name));
  if (unknown === undefined) return names.filter(isStatus);
  throw new CliError(
    'usage',
    'unknown_status',
    `Unknown status ${visible(unknown)}.`,
    `Use one of ${STATUSES.join(', ')}.`,
  );
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new CliError('usage', 'invalid_limit', '--limit must be a whole number above 0.');
}

function renderRows(io: Io, rows: readonly ReviewRow[]): string[] {
  const head = ['review', 'class', 'call', 'by', 'status', 'left', 'missing'];
  const cells = rows.map((row) => cellsOf(io, row));
  return io.rich && io.width < TABLE_WIDTH
    ? cells.flatMap((row) => renderNarrow(io, row))
    : renderTable(io, head, cells, [0]);
}

/** In a narrower terminal a table has no room for the call next to the id, which is never shortened. */
const TABLE_WIDTH = 120;

/** Two lines a review, none wider than the terminal. */
function renderNarrow(io: Io, cells: readonly string[]): string[] {
  const [id = '', callClass = '', call = '', by = '', status = '', left = '', missing = ''] = cells;
  const about = [callClass, status, left].filter((part) => part !== '').join('  ');
  const rest = [...(missing === '' ? [] : [`missing ${missing}`]), `by ${by}`, call].join(' · ');
  return [`${id}  ${clip(about, io.width - id.length - 2)}`, io.colours.dim(`  ${clip(rest, io.width - 2)}`)];
}

/** What a row of the list says, in the order of its columns. */
function cellsOf(io: Io, row: ReviewRow): string[] {
  return [
    row.reviewId,
    row.kind === 'in-flow' ? 'question' : (row.class ?? '?'),
    titleText(row),
    visible(row.proposer.id),
    row.executionStatus === 'not_started' ? row.status : `${row.status}, ${row.executionStatus}`,
    hasEnded(row.status) ? '' : formatLeft(row.expiresAt, io.now()),
    row.status === 'pending' ? `${row.votesMissing} of ${row.approvers.map(visible).join(' or ')}` : '',
  ];
}

interface WatchOptions extends GlobalOptions {
  readonly since?: string;
}

export async function watch(io: Io, options: WatchOptions, id: string | undefined): Promise<void> {
  const connection = connect(io, options, 'reviewer');
  const { client } = connection;
  const from = { signal: io.signal, ...defined({ lastEventId: options.since }) };
  if (id !== undefined) {
    for await (const event of client.reviews.watch(id, from)) {
      io.data(event);
      io.print(...(await readAndRender(io, connection, event.review)), '');
    }
    return;
  }
  if (io.rich && !io.json) io.note('Waiting for changes; press Ctrl-C to stop.');
  for await (const event of client.reviews.watch(from)) {
    io.data(event);
    io.print(renderChange(io, event.review));
  }
}

/** One line per change: a table would start over with each. */
function renderChange(io: Io, row: ReviewRow): string {
  const cells = cellsOf(io, row);
  if (!io.rich) return cells.join('\t');
  const [id = '', callClass = '', call = '', by = '', status = '', left = ''] = cells;
  const rest = [callClass, by, ...(left === '' ? [] : [left])].join(', ');
  return [id, status, clip(call, 60), io.colours.dim(rest)].join('  ');
}

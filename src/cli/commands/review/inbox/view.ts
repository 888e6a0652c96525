import { wrapAnsi } from 'fast-wrap-ansi';
import stringWidth from 'fast-string-width';
import type { Review } from '../../../../contract/review.ts';
import { canBeStopped, rowCanBeStopped } from '../../../../domain/stop.ts';
import type { Io } from '../../../ui/io.ts';
import { paintClass, renderReview } from '../../../ui/review-view.ts';
import type { Size } from '../../../ui/screen.ts';
import { formatLeft } from '../../../ui/time.ts';
import { visible } from '../../../ui/visible.ts';
import { KEY_HELP } from './keys.ts';
import { visibleRows, type InboxRow, type InboxState, type Layout, type Message } from './model.ts';
import { inPlainWords, rowInPlainWords, type Descriptions } from './plain-words.ts';

/** Lines above and below the body. */
const CHROME = 5;
const LINES_PER_ROW = 2;

export interface Frame extends Layout {
  readonly lines: readonly string[];
}

export interface ViewContext {
  readonly io: Io;
  readonly size: Size;
  readonly descriptions: Descriptions;
}

/** The whole screen for a state. */
export function renderFrame(context: ViewContext, state: InboxState): Frame {
  // The last column stays free: a terminal that erases to the end of a full line takes its last character along.
  const width = Math.max(20, context.size.columns - 1);
  const height = Math.max(1, context.size.rows - CHROME);
  const { lines, top } = body({ ...context, size: { rows: height, columns: width } }, state);
  const start = Math.max(0, Math.min(top, lines.length - 1));
  const shown = lines.slice(start, start + height);
  const padding = Array.from({ length: height - shown.length }, () => '');
  const { io } = context;
  return {
    height,
    total: lines.length,
    lines: [
      io.colours.bold(fit(title(context, state), width)),
      io.colours.dim('─'.repeat(width)),
      ...shown,
      ...padding,
      io.colours.dim('─'.repeat(width)),
      fitStyled(notice(io, state), width),
      io.colours.dim(fit(footer(state, start, height, lines.length), width)),
    ],
  };
}

function title({ descriptions }: ViewContext, state: InboxState): string {
  const { open } = state;
  if (open !== null) {
    const review = open.review;
    if (review === null) return 'Holdpoint · …';
    return review.kind === 'in-flow'
      ? visible(review.title ?? 'A question of a workflow')
      : inPlainWords(descriptions, review.call.tool, review.call.arguments);
  }
  const mine = state.rows.filter((row) => row.mine).length;
  const count = `${state.rows.length}${state.more ? '+' : ''}`;
  const words = { loading: ' · reading …', live: '', lost: ' · no connection, trying again' }[state.connection];
  return `Holdpoint · ${mine} for you · ${count} waiting${state.mineOnly ? ' · only yours' : ''}${words}`;
}

function body(context: ViewContext, state: InboxState): { readonly lines: readonly string[]; readonly top: number } {
  const { io, size } = context;
  if (state.help) {
    const names = KEY_HELP.map(([keys, does]) => `  ${keys.padEnd(12)}${does}`);
    return { lines: names.map((line) => fit(line, size.columns)), top: 0 };
  }
  const { open } = state;
  if (open === null) return renderList(context, state);
  if (open.review === null) return { lines: ['Reading …'], top: 0 };
  const lines = open.pane === 'changes' ? (open.changes ?? ['Comparing …']) : reviewLines(io, size, open.review);
  return { lines: wrap(lines, size.columns), top: open.top };
}

function reviewLines(io: Io, size: Size, review: Review): string[] {
  return renderReview({ ...io, width: size.columns }, review);
}

function renderList(
  context: ViewContext,
  state: InboxState,
): { readonly lines: readonly string[]; readonly top: number } {
  const rows = visibleRows(state);
  if (rows.length === 0) {
    const nothing =
      state.connection === 'loading' ? 'Reading …' : 'Nothing waits. New reviews appear here as they come.';
    return { lines: [nothing], top: 0 };
  }
  const selected = Math.max(
    0,
    rows.findIndex(({ row }) => row.reviewId === state.selected),
  );
  // Of thousands of rows only those on the screen are drawn, the selected one in the middle where there is room.
  const fitting = Math.max(1, Math.floor(context.size.rows / LINES_PER_ROW));
  const first = Math.max(0, Math.min(selected - Math.floor(fitting / 2), rows.length - fitting));
  const lines = rows
    .slice(first, first + fitting)
    .flatMap((row, index) => renderRow(context, row, first + index === selected));
  return { lines, top: 0 };
}

function renderRow({ io, size, descriptions }: ViewContext, { row, mine }: InboxRow, selected: boolean): string[] {
  const { colours } = io;
  const left = rowCanBeStopped(row) ? '' : row.expiresAt === null ? 'no deadline' : formatLeft(row.expiresAt, io.now());
  const callClass = (row.class ?? 'unclassified').padEnd(12);
  const words = rowInPlainWords(descriptions, row);
  const room = size.columns - 4 - 13 - left.length - 1;
  const call = fit(words, room);
  const gap = ' '.repeat(Math.max(1, size.columns - 4 - 13 - stringWidth(call) - left.length));
  const head = `${selected ? '›' : ' '} ${mine ? '●' : ' '} `;
  const missing = rowCanBeStopped(row)
    ? 'approved, not run yet'
    : row.status === 'changes_requested'
      ? 'changes asked for'
      : `${row.votesMissing} missing of ${row.approvers.map(visible).join(' or ') || '?'}`;
  const owner = row.proposer.owner === null ? '' : ` for ${visible(row.proposer.owner)}`;
  const who = `    ${missing} · by ${visible(row.proposer.id)}${owner} · ${visible(row.summary)}`;
  const painted = paintClass(io, row.class).length > 0 ? paintPadded(io, row, callClass) : callClass;
  const first = `${head}${painted} ${selected ? colours.bold(call) : call}${gap}${left}`;
  return [first, colours.dim(fit(who, size.columns))];
}

function paintPadded(io: Io, row: InboxRow['row'], padded: string): string {
  const name = row.class === null ? padded : paintClass(io, row.class);
  return `${name}${' '.repeat(Math.max(0, 12 - stringWidth(name)))}`;
}

function notice(io: Io, state: InboxState): string {
  const { unsent } = state;
  if (unsent !== null) {
    const seconds = Math.max(0, Math.ceil((unsent.at - io.now()) / 1_000));
    return io.colours.yellow(`${unsent.request.type} is sent in ${seconds} s · u takes it back · s sends it now`);
  }
  return state.message === null ? '' : paintMessage(io, state.message);
}

function paintMessage(io: Io, { tone, text }: Message): string {
  const words = visible(text);
  return { plain: words, good: io.colours.green(words), bad: io.colours.red(words) }[tone];
}

function footer(state: InboxState, start: number, height: number, total: number): string {
  if (state.help) return 'any key goes back';
  const { open } = state;
  if (open === null) return '↑↓ move · enter opens · m mine · ? keys · q quits';
  const end = Math.min(total, start + height);
  const place = total > height ? `${start + 1}–${end} of ${total} · ` : '';
  const unseen = open.review !== null && open.pane === 'review' && !open.seenAll ? 'space reads on · ' : '';
  return `${place}${unseen}${decisionKeys(open.review)}d changes · ← back · ? keys`;
}

function decisionKeys(review: Review | null): string {
  const names = {
    approve: 'a approves',
    edit: 'e edits',
    reject: 'r rejects',
    revise: 'c changes',
    respond: 'o answers',
  };
  if (review !== null && canBeStopped(review)) return 'r stops it · ';
  return (review?.allowedDecisions ?? []).map((type) => `${names[type]} · `).join('');
}

function wrap(lines: readonly string[], width: number): string[] {
  return lines.flatMap((line) => wrapAnsi(line, width, { hard: true, trim: false }).split('\n'));
}

/** One line of plain text in so many cells, with a sign where something is missing. */
function fit(text: string, width: number): string {
  return stringWidth(text) <= width ? text : `${firstLine(text, width - 1)}…`;
}

function fitStyled(text: string, width: number): string {
  return stringWidth(text) <= width ? text : firstLine(text, width);
}

function firstLine(text: string, width: number): string {
  return wrapAnsi(text, Math.max(1, width), { hard: true, wordWrap: false, trim: false }).split('\n', 1)[0] as string;
}

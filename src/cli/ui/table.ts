import Table from 'cli-table3';
import type { Io } from './io.ts';
import { clip } from '../../domain/text/visible.ts';

/**
 * Rows as a table on a terminal, as tab-separated lines elsewhere. Cells must be visible text already. The columns named
 * by `whole` are never shortened: what is in them is needed for the next command.
 */
export function renderTable(
  io: Io,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  whole: readonly number[] = [],
): string[] {
  if (!io.rich) return rows.map((row) => row.join('\t'));
  const table = new Table({
    head: head.map((cell) => io.colours.dim(cell)),
    style: { head: [], border: [], compact: true },
    chars: PLAIN,
  });
  const widths = columnWidths(head, rows, io.width, whole);
  for (const row of rows) table.push(row.map((cell, column) => clip(cell, widths[column] as number)));
  return table.toString().split('\n');
}

/** Shortens the widest columns until all fit. */
function columnWidths(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  whole: readonly number[],
): number[] {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => Array.from(row[column] ?? '').length)),
  );
  const available = width - 3 * head.length;
  for (let sum = total(widths); sum > available; sum = total(widths)) {
    const clippable = widths.map((wide, column) => (whole.includes(column) ? 0 : wide));
    const widest = clippable.indexOf(Math.max(...clippable));
    if ((clippable[widest] as number) <= 8) break;
    widths[widest] = Math.max(8, (widths[widest] as number) - (sum - available));
  }
  return widths;
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, next) => sum + next, 0);
}

const SIDES = ['top', 'bottom', 'left', 'mid', 'right'] as const;
const CROSSINGS = ['top-mid', 'top-left', 'top-right', 'bottom-mid', 'bottom-left', 'bottom-right'] as const;
const JOINTS = ['left-mid', 'mid-mid', 'right-mid'] as const;
/** No lines between cells. */
const PLAIN = {
  ...Object.fromEntries([...SIDES, ...CROSSINGS, ...JOINTS].map((edge) => [edge, ''])),
  middle: ' ',
};

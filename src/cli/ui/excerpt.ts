import type { FileProblem } from '../../domain/files/problem.ts';
import type { Io } from './io.ts';
import { visible } from '../../domain/text/visible.ts';

/** Longest part of a line that is shown. */
const WIDTH = 120;

/** An error keeps the files from being put in force, a warning does not. */
export type Severity = 'error' | 'warning';

/** A problem as compilers show it: place and words, the line, a caret below the column, and what to write instead. */
export function renderProblem(io: Io, severity: Severity, problem: FileProblem, text: string | undefined): string[] {
  const { colours } = io;
  const mark = severity === 'error' ? colours.red(severity) : colours.yellow(severity);
  const place = `${visible(problem.file)}:${problem.line}:${problem.column}`;
  return [
    `${colours.bold(place)}: ${mark}: ${visible(problem.message)}`,
    ...renderExcerpt(problem, text).map((line) => colours.dim(line)),
    `  ${colours.green('→')} ${visible(problem.fix)}`,
  ];
}

function renderExcerpt({ line, column }: FileProblem, text: string | undefined): string[] {
  const source = text?.split('\n')[line - 1]?.replace(/\r$/, '');
  if (source === undefined || source.trim() === '') return [];
  // Far to the right of a long line, the part around the column is shown.
  const start = column <= WIDTH ? 0 : column - Math.floor(WIDTH / 2);
  const before = visible(source.slice(start, column - 1));
  const shown = visible(source.slice(start, start + WIDTH));
  const gutter = `${line} | `;
  const cut = start > 0 ? '…' : '';
  return [`  ${gutter}${cut}${shown}`, `  ${' '.repeat(gutter.length + cut.length + before.length)}^`];
}

import type { Review } from '../../contract/review.ts';
import { EXECUTION, hasEnded, STATUS } from '../../domain/lifecycle.ts';
import { showReview } from '../../domain/show/show-review.ts';
import type { ShowOptions } from '../../domain/show/shown.ts';
import { blockToText, layOutText, type TextBlock } from '../../domain/show/to-text.ts';
import { canBeStopped, STOPPED_WORDS, wasStopped } from '../../domain/stop.ts';
import { visibleLines } from '../../domain/text/visible.ts';
import type { Io } from './io.ts';
import { renderTable } from './table.ts';

/** What a review is shown with beside its state: what policy says of its tool, and its earlier versions. */
export type ReviewBackground = Pick<ShowOptions, 'tool' | 'materials'>;

/** Everything a person needs to decide well, as every door shows it, then what can be done about it here. */
export function renderReview(io: Io, review: Review, background: ReviewBackground = { tool: undefined }): string[] {
  const { colours } = io;
  const shown = layOutText(showReview(review, { ...background, now: io.now(), pinned: null, withAnswer: true }));
  // A question has no class that says anything of it.
  const shownClass = review.kind === 'call' ? [paintClass(io, review.class)] : [];
  return [
    [colours.bold(shown.title), ...shownClass, STATUS[review.status].words].join('  '),
    ...shown.sections.flatMap(({ heading: text, blocks }) => [
      ...heading(io, text),
      ...blocks.flatMap((block) => renderBlock(io, block)),
    ]),
    ...renderFoot(io, review),
  ];
}

function renderBlock(io: Io, block: TextBlock): string[] {
  switch (block.kind) {
    case 'pairs':
      return block.pairs.map(([label, value]) => `  ${label}: ${io.colours.bold(value)}`);
    case 'table':
      return [`  ${block.label}:`, ...indent(indent(renderTable(io, block.head, block.rows)))];
    case 'warning':
      return blockToText(block).map(io.colours.red);
    case 'code':
    case 'quote':
      return blockToText(block);
    default:
      return block satisfies never;
  }
}

export function heading(io: Io, text: string): string[] {
  return ['', io.colours.bold(text)];
}

export function paintClass(io: Io, callClass: Review['class']): string {
  const { colours } = io;
  switch (callClass) {
    case 'irreversible':
    case 'forbidden':
      return colours.red(colours.bold(callClass.toUpperCase()));
    case 'sensitive':
      return colours.yellow(callClass);
    case 'reversible':
      return colours.green(callClass);
    case null:
      return 'not classified';
  }
}

function renderFoot(io: Io, review: Review): string[] {
  const { colours } = io;
  const lines = [''];
  if (!hasEnded(review.status) && review.allowedDecisions.length > 0) {
    lines.push(`possible decisions: ${review.allowedDecisions.join(', ')}`);
  }
  if (canBeStopped(review)) {
    lines.push(colours.yellow(`Approved, not run yet: holdpoint review reject ${review.reviewId} still stops it.`));
  }
  if (review.call.digest !== null) lines.push(colours.dim(`digest: ${review.call.digest}`));
  lines.push(colours.dim(`review: ${review.reviewId}`));
  return lines;
}

export function describeExecution(review: Pick<Review, 'execution'>): string {
  return `Execution: ${wasStopped(review) ? STOPPED_WORDS : EXECUTION[review.execution.status].words}`;
}

export function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** Text from outside, each line marked, so that it cannot pass for Holdpoint's own. */
export function quote(text: string): string[] {
  return visibleLines(text).map((line) => `  │ ${line}`);
}

import type { Command } from 'commander';
import type { ReviewRow } from '../../../contract/review.ts';
import type { Io } from '../../ui/io.ts';
import { renderReview } from '../../ui/review-view.ts';
import { clip } from '../../ui/visible.ts';
import { action, type CliContext, type GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';
import { cellsOf } from './list.ts';

interface WatchOptions extends GlobalOptions {
  readonly since?: string;
}

export function registerWatch(review: Command, context: CliContext): void {
  review
    .command('watch')
    .description('print changes as they happen: of one review until it is final, or of all until Ctrl-C')
    .argument('[id]')
    .option('--since <event>', 'continue after this event (its id in --json)')
    .action(action(context, (io, options: WatchOptions, id) => watch(io, options, id, context.signal)));
}

async function watch(io: Io, options: WatchOptions, id: string | undefined, signal: AbortSignal): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  const from = { signal, ...(options.since === undefined ? {} : { lastEventId: options.since }) };
  if (id !== undefined) {
    for await (const event of client.reviews.watch(id, from)) {
      io.data(event);
      io.print(...renderReview(io, event.review), '');
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

import type { Command } from 'commander';
import type { Io } from '../../ui/io.ts';
import { renderReview } from '../../ui/review-view.ts';
import { action, type CliContext, type GlobalOptions } from '../action.ts';
import { connect } from '../connect.ts';

export function registerShow(review: Command, context: CliContext): void {
  review
    .command('show')
    .description('show everything needed to decide on a review')
    .argument('<id>')
    .action(action(context, show));
}

async function show(io: Io, options: GlobalOptions, id: string): Promise<void> {
  const { client } = connect(io, options, 'reviewer');
  const review = await client.reviews.get(id);
  io.data(review);
  io.print(...renderReview(io, review));
}

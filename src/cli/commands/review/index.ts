import type { Command } from 'commander';
import type { CliContext } from '../action.ts';
import { registerDecisions } from './decide.ts';
import { registerEdit } from './edit.ts';
import { registerList } from './list.ts';
import { registerProposerSteps } from './proposer.ts';
import { registerShow } from './show.ts';
import { registerWatch } from './watch.ts';

export function registerReview(program: Command, context: CliContext): void {
  const review = program.command('review').description('list, show and decide reviews');
  registerList(review, context);
  registerShow(review, context);
  registerDecisions(review, context);
  registerEdit(review, context);
  registerWatch(review, context);
  registerProposerSteps(review, context);
}

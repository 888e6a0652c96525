import type { Command } from 'commander';
import type { CliContext } from '../action.ts';
import { registerDecisions, registerEdit } from './decide.ts';
import { registerList, registerWatch } from './list.ts';
import { registerProposerSteps } from './proposer.ts';
import { registerShow } from './show.ts';

export function registerReview(program: Command, context: CliContext): void {
  const review = program.command('review').description('list, show and decide reviews');
  registerList(review, context);
  registerShow(review, context);
  registerDecisions(review, context);
  registerEdit(review, context);
  registerWatch(review, context);
  registerProposerSteps(review, context);
}

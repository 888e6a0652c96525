import type { Command } from 'commander';
import { STATUSES, type DecisionType } from '../../../contract/review.ts';
import type { Run } from '../action.ts';

export function registerReview(program: Command, run: Run): void {
  const review = program.command('review').description('list, show and decide reviews');
  review
    .command('list', { isDefault: true })
    .description('list reviews by deadline; only waiting ones, unless --status or --all is given')
    .option('--status <list>', `comma-separated: ${STATUSES.join(', ')}`)
    .option('--all', 'regardless of status')
    .option('--mine', 'only reviews that wait for you')
    .option('--not-run', 'approved calls that have not started; `review reject` still stops them')
    .option('--unknown', 'calls with an unknown outcome; settle them with `review reconcile`')
    .option('--tool <name>')
    .option('--service <name>')
    .option('--proposer <id>')
    .option('--thread <id>')
    .option('--group <id>')
    .option('--limit <n>', 'maximum number', '50')
    .action(run(async () => (await import('./list.ts')).list));
  review
    .command('show')
    .description('show everything needed to decide on a review')
    .argument('<id>')
    .action(run(async () => (await import('./show.ts')).show));
  registerDecisions(review, run);
  review
    .command('watch')
    .description('print changes as they happen: of one review until it is final, or of all until Ctrl-C')
    .argument('[id]')
    .option('--since <event>', 'continue after this event (its id in --json)')
    .action(run(async () => (await import('./list.ts')).watch));
  registerProposerSteps(review, run);
}

const DECISIONS: readonly (readonly [type: Exclude<DecisionType, 'edit'>, words: string])[] = [
  ['approve', 'approve exactly what is shown'],
  ['reject', 'reject: ends the review, or stops an approved call that has not started'],
  ['revise', 'ask the proposer for changes'],
  ['respond', 'answer a question of a workflow'],
];

function registerDecisions(review: Command, run: Run): void {
  for (const [type, words] of DECISIONS) {
    const command = withDecisionOptions(review.command(type).description(words).argument('<id>'));
    if (type === 'approve') withRepeats(command);
    if (type === 'respond') command.requiredOption('--response <json>', 'the answer: JSON, @FILE or -');
    command.action(run(async () => (await import('./decide.ts')).decideAs(type)));
  }
  const edit = review
    .command('edit')
    .description('approve the same tool with other arguments; the call is classified again')
    .argument('<id>')
    .option('-a, --arguments <json>', 'all arguments: JSON, @FILE or -; default: $VISUAL or $EDITOR opens');
  withRepeats(withDecisionOptions(edit)).action(run(async () => (await import('./decide.ts')).edit));
}

function withDecisionOptions(command: Command): Command {
  return command
    .option('-m, --comment <text>', 'comment, kept with the decision')
    .option('--digest <digest>', 'decide only if the call still has this digest; default: the digest shown now')
    .option('-y, --yes', 'do not ask')
    .option('--wait <duration>', 'how long to wait for the result of an approved call', '15s');
}

function withRepeats(command: Command): Command {
  return command.option(
    '--repeats <ids>',
    'make the call again although these reviews, separated by commas, are of equal ones',
  );
}

/** Steps other than decisions: the proposer's own, and settling an unknown outcome. */
function registerProposerSteps(review: Command, run: Run): void {
  review
    .command('resubmit')
    .description('as the proposer: answer a request for changes')
    .argument('<id>')
    .requiredOption('-a, --arguments <json>', 'all arguments: JSON, @FILE or -')
    .option('--reason <text>')
    .action(run(async () => (await import('./proposer.ts')).resubmit));
  review
    .command('withdraw')
    .description('as the proposer: withdraw it')
    .argument('<id>')
    .action(run(async () => (await import('./proposer.ts')).withdraw));
  review
    .command('reconcile')
    .description('as a reviewer: settle an unknown outcome, after finding out what happened to the call')
    .argument('<id>')
    .requiredOption('--outcome <outcome>', 'executed or failed')
    .requiredOption('--note <text>', 'how you found out')
    .action(run(async () => (await import('./proposer.ts')).reconcile));
}

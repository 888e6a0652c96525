import type { Review } from '../../contract/review.ts';
import { canBeStopped, STOPPED_WORDS, wasStopped } from '../stop.ts';
import { findAgent, type Settings } from '../policy/settings.ts';
import { visible, visibleLines } from '../text/visible.ts';
import { showCall } from './show-call.ts';
import { showChanges } from './show-changes.ts';
import { showEvidence } from './show-evidence.ts';
import { showLevels, showWhy } from './show-why.ts';
import { showWords } from './show-words.ts';
import { Clipper, type Block, type Section, type ShowOptions, type Shown } from './shown.ts';

/** What the files in force say about a review that is shown. */
export function shownBy(settings: Settings, review: Review): Pick<ShowOptions, 'tool' | 'pinned'> {
  const { proposer, call, kind } = review;
  return {
    tool: kind === 'call' ? settings.policy.findTool(call.tool)?.definition : undefined,
    pinned: (proposer.attested ? findAgent(settings, proposer.id)?.context : undefined) ?? {},
  };
}

/**
 * Everything a person needs, in the order of the review's page: why it is held, who is answerable and how long is left;
 * what changed since the last version; what Holdpoint found out itself; what exactly would happen; only then what the agent says about it.
 */
export function showReview(review: Review, options: ShowOptions): Shown {
  const clipper = new Clipper(options.limit);
  const sections = [
    showWhy(review, options, clipper),
    ...showChanges(review, options.materials ?? [], clipper),
    ...showEvidence(review, clipper),
    showCall(review, options.tool, clipper),
    ...showWords(review, options.pinned, clipper),
    ...showLevels(review),
    ...showVotes(review, clipper),
    ...showEnd(review, clipper),
  ];
  const title = review.kind === 'call' ? review.call.tool : (review.title ?? 'a question');
  return { title: visible(title), sections, clipped: clipper.clipped };
}

function showVotes(review: Review, clipper: Clipper): Section[] {
  const votes = review.revisions.at(-1)?.decisions ?? [];
  const said = votes.map(({ type, reviewer, decidedAt, channel, comment }) => {
    return { by: reviewer, what: `${type}, ${decidedAt}, by ${channel}`, comment };
  });
  const { stopped } = review.execution;
  if (stopped !== undefined) said.push({ ...stopped, what: `reject, ${stopped.at}, stopped the call` });
  if (said.length === 0) return [];
  const blocks = said.flatMap(({ by, what, comment }): Block[] => [
    { kind: 'pairs', pairs: [[visible(by), what]] },
    ...(comment === null ? [] : [{ kind: 'quote' as const, lines: clipper.lines(visibleLines(comment)) }]),
  ]);
  return [{ heading: 'Decisions so far', voice: 'reviewer', blocks }];
}

function showEnd(review: Review, clipper: Clipper): Section[] {
  const { resolution, execution } = review;
  if (resolution === null && execution.status === 'not_started') return [];
  const pairs: (readonly [string, string])[] = [];
  if (resolution !== null) {
    const by = resolution.by === null ? '' : ` by ${visible(resolution.by)}`;
    pairs.push(['Ended', `${review.status}${by}${resolution.edited ? ', with edited arguments' : ''}`]);
  }
  if (review.kind === 'call') pairs.push(['Execution', executionWords(review)]);
  const { error } = execution;
  // What a target answered is as little ours as what the agent said.
  if (error !== null) pairs.push(['Error', clipper.text(`${visible(error.code)}: ${visible(error.message)}`)]);
  return [{ heading: 'How it ended', voice: 'holdpoint', blocks: [{ kind: 'pairs', pairs }] }];
}

function executionWords(review: Review): string {
  if (wasStopped(review)) return STOPPED_WORDS;
  return canBeStopped(review) ? 'not made yet; a reviewer can still stop it' : EXECUTION[review.execution.status];
}

const EXECUTION: Readonly<Record<Review['execution']['status'], string>> = {
  not_started: 'not made',
  executing: 'under way',
  executed: 'made',
  failed: 'failed',
  outcome_unknown: 'sent, and nobody knows whether it took effect: a person has to find out',
};

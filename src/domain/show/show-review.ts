import type { Json } from '../../contract/json.ts';
import type { Review } from '../../contract/review.ts';
import { limitedWords, whyItWaits } from '../deferral.ts';
import { countYeses } from '../eligibility.ts';
import { EXECUTION, hasEnded } from '../lifecycle.ts';
import { canBeStopped, STOPPED_WORDS, wasStopped } from '../stop.ts';
import { executionErrorWords } from '../words.ts';
import { changesSince } from './changes.ts';
import { isOver, showCall, showEvidence, showRequest, showWords } from './show-call.ts';
import { showEarlier, showEqual } from './show-related.ts';
import { endWords, timelineOf } from './show-timeline.ts';
import { showAnswers, showWhy } from './show-why.ts';
import { titleLine } from './title.ts';
import {
  pair,
  said,
  saidList,
  type Block,
  type Line,
  type Pair,
  type Section,
  type ShowOptions,
  type Shown,
} from './shown.ts';

/**
 * Everything a person needs, in the order of the review's page: why it is held, who is answerable and how long is left;
 * what changed since the last version; what Holdpoint found out itself; what exactly would happen; only then what the
 * agent says about it.
 */
export function showReview(review: Review, options: ShowOptions): Shown {
  return {
    title: titleLine(review),
    tool: review.kind === 'call' ? review.call.tool : null,
    sections: [
      showWhy(review, options),
      ...showEqual(review, options.now),
      ...showChanges(review, options),
      ...showEvidence(review, options.tool),
      showCall(review, options.tool),
      ...showRequest(review),
      ...showAnswers(review),
      ...showEarlier(review, options.now),
      ...showWords(review, options.pinned),
      ...showFeedback(review),
      ...showLevels(review),
      {
        id: 'timeline',
        heading: 'What happened',
        voice: 'reviewer',
        blocks: [{ kind: 'events', events: timelineOf(review) }],
      },
      ...showEnd(review, options.withAnswer === true),
    ],
  };
}

/** What this version changed against the one before; nothing for the first. */
function showChanges(review: Review, { materials = [] }: ShowOptions): Section[] {
  const { revision, revisions } = review;
  if (revision < 2) return [];
  const blocks: Block[] = [];
  const asked = revisions.at(-2)?.decisions.findLast(({ type }) => type === 'revise');
  if (asked !== undefined && asked.comment !== null) {
    blocks.push({ kind: 'pairs', pairs: [pair('Requested by', [said(asked.reviewer)])] });
    blocks.push({ kind: 'quote', text: asked.comment });
  }
  const before = materials.find((material) => material.revision === revision - 1);
  const lines = before && changesSince(before, review);
  if (lines === undefined) {
    blocks.push({ kind: 'pairs', pairs: [pair('The previous version', 'is no longer kept')] });
  } else if (lines.every(({ kind }) => kind === 'same')) {
    blocks.push({ kind: 'pairs', pairs: [pair('Changed', 'nothing of what is decided on')] });
  } else {
    blocks.push({ kind: 'changes', lines });
  }
  return [
    {
      id: 'changes',
      heading: `What changed: version ${revision} compared with version ${revision - 1}`,
      voice: 'call',
      blocks,
    },
  ];
}

function showFeedback({ feedback }: Review): Section[] {
  if (feedback === null) return [];
  const by: Block = { kind: 'pairs', pairs: [pair('Requested by', [said(feedback.by)])] };
  const blocks: Block[] = [by, { kind: 'quote', text: feedback.comment }];
  return [{ id: 'feedback', heading: 'Changes requested', voice: 'reviewer', blocks }];
}

const LEVEL = { waiting: 'not open yet', open: 'open', passed: 'passed' } as const;

/** Who has to approve, step by step, and how far it is. */
function showLevels({ kind, status, levels, separationOfDuties }: Review): Section[] {
  if (levels.length === 0) return [];
  const pairs = levels.map((level, index): Pair => {
    const { name, approvers, escalation, quorum, status } = level;
    const votes = countYeses(level);
    const voters = level.decisions.map(({ reviewer }) => reviewer);
    const by: Line = voters.length === 0 ? [] : ['; decided by ', ...saidList(voters, ', ')];
    const later: Line =
      escalation === null ? [] : ['; from ', { at: escalation.at }, ' also ', ...saidList(escalation.to)];
    const value: Line = [`${votes} of ${quorum} from `, ...saidList(approvers), ...later, ` (${LEVEL[status]})`, ...by];
    return { label: [`${index + 1}. `, { policy: name }], value, progress: [votes, quorum] };
  });
  if (separationOfDuties) {
    pairs.push(pair('Separation of duties', 'the proposer, its owner and voters of earlier levels cannot vote'));
  }
  const heading = kind === 'in-flow' ? 'Who answers' : hasEnded(status) ? 'Approvals' : 'Who must approve';
  return [{ id: 'levels', heading, voice: 'holdpoint', blocks: [{ kind: 'pairs', pairs }] }];
}

function showEnd(review: Review, withAnswer: boolean): Section[] {
  const { resolution, execution } = review;
  if (resolution === null && execution.status === 'not_started' && whyItWaits(execution).length === 0) return [];
  const pairs: Pair[] = [];
  if (resolution !== null) {
    const by: Line = resolution.by === null ? [] : [' by ', said(resolution.by)];
    pairs.push(pair('Ended', [endWords(review), ...by, resolution.edited ? ', with edited arguments' : '']));
  }
  if (review.kind === 'call') pairs.push(pair('Execution', executionWords(review)));
  const { error, upstreamStatus, body, edited, deferred, frozen, limited, retryAfter } = execution;
  if (frozen !== undefined) pairs.push(showFreeze(frozen));
  if (limited !== undefined) {
    const value: Line = [limitedWords(limited), '; not made before ', { at: limited.from }];
    pairs.push({ ...pair('Waits', value), tone: 'bad' });
  }
  if (deferred !== undefined) pairs.push(showDeferral(deferred));
  // What a target answered is as little Holdpoint's as what the agent said.
  if (error !== null && !wasStopped(review)) {
    const words = executionErrorWords(error.code);
    const more: Line = error.message === words ? [] : [': ', said(error.message)];
    pairs.push({
      ...pair('Error', [words === error.code ? said(words) : `${words} (${error.code})`, ...more]),
      tone: 'bad',
    });
  }
  if (upstreamStatus !== undefined) pairs.push(pair('The target answered with', String(upstreamStatus)));
  if (retryAfter !== undefined) pairs.push(pair('The target asked to wait until', [{ at: retryAfter }]));
  const blocks: Block[] = [{ kind: 'pairs', pairs }];
  if (edited === true && execution.startedAt !== null) {
    blocks.push({ kind: 'warning', line: ['What ran is not what was proposed: a reviewer edited it.'] });
  }
  if (resolution?.response !== undefined) blocks.push(showResponse(resolution.response));
  if (withAnswer && body !== undefined) blocks.push({ kind: 'json', label: ['Answer of the target'], value: body });
  return [{ id: 'end', heading: isOver(review) ? 'How it ended' : 'How it stands', voice: 'holdpoint', blocks }];
}

/** What a reviewer told the workflow. */
function showResponse(response: Json): Block {
  const label: Line = ['Answer'];
  return typeof response === 'string'
    ? { kind: 'text', label, text: response }
    : { kind: 'json', label, value: response };
}

/** Who stopped the tool, and why. */
function showFreeze({ by, why }: NonNullable<Review['execution']['frozen']>): Pair {
  const who: Line = by === null ? ['by the configuration'] : ['by ', said(by), ': ', said(why ?? '')];
  return { ...pair('Frozen', [...who, '. It runs when that is lifted']), tone: 'bad' };
}

/** Why the call waits although it was approved, and for how long at least. */
function showDeferral({ code, message, retryAt, times }: NonNullable<Review['execution']['deferred']>): Pair {
  const words = executionErrorWords(code);
  const cause: Line = words === message ? [] : [': ', said(message)];
  const often = times === 1 ? '' : ` (${times} times so far)`;
  const value: Line = [
    `${words} (${code})`,
    ...cause,
    `. Nothing ran${often}; not made again before `,
    { at: retryAt },
  ];
  return { ...pair('Deferred', value), tone: 'bad' };
}

function executionWords(review: Review): string {
  if (wasStopped(review)) return STOPPED_WORDS;
  if (!canBeStopped(review)) return EXECUTION[review.execution.status].words;
  const state = review.execution.deferred === undefined ? 'not run yet' : 'not run yet, and will be made again';
  return `${state}; a reviewer can still stop it`;
}

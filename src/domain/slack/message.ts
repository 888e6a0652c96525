import type { ActionsBlock, Button, KnownBlock } from '@slack/types';
import type { Material, Review, ReviewStatus } from '../../contract/review.ts';
import { findVoters } from '../eligibility.ts';
import { withShownDigest } from '../gate/shown.ts';
import { canBeStopped, STOPPED_WORDS, wasStopped } from '../stop.ts';
import { slackDecisionOf } from '../mail-decision.ts';
import type { Settings } from '../policy/settings.ts';
import { showReview, shownBy } from '../show/show-review.ts';
import { visible } from '../text/visible.ts';
import { actionOf, COMMENT, OPEN_ACTION, SLACK_DECISIONS, writeButtonValue, type SlackDecision } from './button.ts';
import { clipText, escapeMrkdwn } from './escape.ts';
import { shownToBlocks } from './to-blocks.ts';

/** Blocks of one message (https://docs.slack.dev/reference/block-kit/blocks), and characters of its text that we use. */
const MOST_BLOCKS = 50;
const TEXT = 3_000;
/** Characters of one part of a review: what is longer is read on its page. */
const LIMIT = 2_000;
/** Characters of all blocks together; Slack refuses what is far longer as `msg_too_long`. */
const MOST_CHARACTERS = 12_000;

export interface SlackMessage {
  /** What notifications and screen readers say; mrkdwn. */
  readonly text: string;
  readonly blocks: readonly KnownBlock[];
}

export interface MessageDeps {
  readonly settings: Settings;
  /** Where people reach the api, without a slash at its end; null: unknown. */
  readonly baseUrl: string | null;
  /** Epoch ms. */
  readonly now: number;
}

/**
 * A review as a message: why it is held, what changed against the version before (of `materials`), the evidence, the
 * call, the agent's words, and what can be done about it.
 */
export function reviewMessage(stored: Review, deps: MessageDeps, materials: readonly Material[] = []): SlackMessage {
  const review = withShownDigest(stored);
  const shown = showReview(review, { now: deps.now, limit: LIMIT, ...shownBy(deps.settings, review), materials });
  const body = shownToBlocks(shown);
  const foot = footOf(review, deps, false);
  const room = MOST_BLOCKS - foot.length - 1;
  const fitting = fit(body, room);
  // Nobody says yes to what was not all there: a message that had to be cut leads to the page.
  const isCut = shown.clipped || fitting.length < body.length;
  return {
    text: clipText(`${statusWords(review)}: ${escapeMrkdwn(nameOf(review))}`, TEXT),
    blocks: [...fitting, ...footOf(review, deps, isCut)],
  };
}

/** One line about a review, for a thread, a digest or a webhook. The review's name is the only part that is not ours. */
export function lineAbout(review: Review, words: string, baseUrl: string | null): string {
  const name = escapeMrkdwn(clipText(nameOf(review), 200));
  // Only our own URL becomes a link; the name stands beside it, not in it.
  const link = baseUrl === null ? review.reviewId : `<${baseUrl}/reviews/${review.reviewId}|open the review>`;
  return `${words}: ${name} (${link})`;
}

/** People who may vote on the open level at `at` (epoch ms) and whose Slack user is known. */
export function findMentionable(
  review: Review,
  settings: Settings,
  at: number,
): readonly { readonly id: string; readonly slack: string }[] {
  return findVoters(review, settings.reviewers, at).flatMap(({ id, slack }) =>
    slack === undefined ? [] : [{ id, slack }],
  );
}

/** Those of them who are in `ids`, as mentions. */
export function mentionsOf(review: Review, settings: Settings, ids: readonly string[], at: number): string {
  return findMentionable(review, settings, at)
    .filter(({ id }) => ids.includes(id))
    .map(({ slack }) => `<@${slack.split('/').at(-1) ?? slack}>`)
    .join(' ');
}

/** Where a review stands, in words. */
export function statusWords(review: Review): string {
  if (wasStopped(review)) return `Approved, then ${STOPPED_WORDS}`;
  return canBeStopped(review) ? 'Approved, and not run yet' : STATUS_WORDS[review.status];
}

const STATUS_WORDS: Readonly<Record<ReviewStatus, string>> = {
  pending: 'Waits for a decision',
  changes_requested: 'Waits for the proposer to change it',
  approved: 'Approved',
  rejected: 'Rejected',
  expired: 'Expired, so the answer was no',
  withdrawn: 'Taken back by its proposer',
  not_required: 'Goes ahead without a decision',
  blocked: 'Blocked by policy',
  aborted: 'Ended from outside',
};

function nameOf(review: Review): string {
  return visible(review.kind === 'call' ? review.call.tool : (review.title ?? 'a question'));
}

function fit(blocks: readonly KnownBlock[], room: number): readonly KnownBlock[] {
  let characters = 0;
  const fitting = blocks.slice(0, room).findIndex((block) => {
    characters += JSON.stringify(block).length;
    return characters > MOST_CHARACTERS;
  });
  return blocks.slice(0, fitting === -1 ? room : fitting);
}

function footOf(review: Review, { settings, baseUrl }: MessageDeps, isCut: boolean): KnownBlock[] {
  const note: KnownBlock[] = isCut
    ? [context('Cut here: not all of it fits into a message. All of it is on the page of the review.')]
    : [];
  const open = baseUrl === null ? [] : [openButton(`${baseUrl}/reviews/${review.reviewId}`)];
  const page = open.length === 0 ? [] : [actions(open)];
  const { digest } = review.call;
  const stops = canBeStopped(review);
  if ((review.status !== 'pending' && !stops) || digest === null) return [...note, ...page];
  const mode = slackDecisionOf(review, settings);
  if (mode === 'off') return note;
  const value = writeButtonValue({ review: review.reviewId, digest });
  if (stops && mode === 'confirm') return [...note, commentInput(STOP_COMMENT), actions([stopButton(value), ...open])];
  const where = stops ? 'It can still be stopped, on the page of the review.' : 'Decided on the page of the review.';
  if (mode === 'sign-in' || isCut) return [...note, context(where), ...page];
  const buttons = SLACK_DECISIONS.filter((decision) => review.allowedDecisions.includes(decision)).map((decision) =>
    decisionButton(decision, value),
  );
  return [...note, commentInput(COMMENT_LABEL), actions([...buttons, ...open])];
}

const COMMENT_LABEL = 'Your comment (needed for a no and for changes)';
const STOP_COMMENT = 'Approved, and not run yet. Why stop it? (optional)';

function commentInput(label: string): KnownBlock {
  return {
    type: 'input',
    block_id: COMMENT.block,
    optional: true,
    label: { type: 'plain_text', text: label, emoji: false },
    element: { type: 'plain_text_input', action_id: COMMENT.action, multiline: true, max_length: 3_000 },
  };
}

const BUTTONS: Readonly<Record<SlackDecision, { readonly text: string; readonly ask: string }>> = {
  approve: { text: 'Approve', ask: 'Approve exactly what this message shows?' },
  reject: { text: 'Reject', ask: 'Reject it? That ends the review.' },
  revise: { text: 'Ask for changes', ask: 'Send your comment to the proposer and ask for changes?' },
};

/** A no to an approved call; the same decision as a rejection. */
function stopButton(value: string): Button {
  return decisionButton('reject', value, { text: 'Stop', ask: 'Stop this call before it runs?' });
}

function decisionButton(decision: SlackDecision, value: string, { text, ask } = BUTTONS[decision]): Button {
  const style = { approve: { style: 'primary' as const }, reject: { style: 'danger' as const }, revise: {} }[decision];
  return {
    type: 'button',
    action_id: actionOf(decision),
    text: { type: 'plain_text', text, emoji: false },
    value,
    ...style,
    confirm: {
      title: { type: 'plain_text', text, emoji: false },
      text: { type: 'plain_text', text: ask, emoji: false },
      confirm: { type: 'plain_text', text, emoji: false },
      deny: { type: 'plain_text', text: 'Back', emoji: false },
    },
  };
}

function openButton(url: string): Button {
  return {
    type: 'button',
    action_id: OPEN_ACTION,
    text: { type: 'plain_text', text: 'Open the review', emoji: false },
    url,
  };
}

function actions(elements: ActionsBlock['elements']): ActionsBlock {
  return { type: 'actions', elements };
}

function context(text: string): KnownBlock {
  return { type: 'context', elements: [{ type: 'plain_text', text, emoji: false }] };
}

import { z } from 'zod';
import type { ActionsBlock, Button, KnownBlock } from '@slack/types';
import { reviewIdSchema } from '../../contract/ids.ts';
import { digestSchema } from '../../contract/json.ts';
import type { Material, Review } from '../../contract/review.ts';
import { findVoters } from '../eligibility.ts';
import { withShownDigest } from '../gate/shown.ts';
import { canBeStopped, STOPPED_WORDS, wasStopped } from '../stop.ts';
import { slackDecisionOf } from '../mail-decision.ts';
import type { Settings } from '../policy/settings.ts';
import { capitalize, STATUS } from '../lifecycle.ts';
import { titleText } from '../show/title.ts';
import { showReview } from '../show/show-review.ts';
import { shownBy } from '../show/shown-by.ts';
import { layOutText } from '../show/to-text.ts';
import { clipText, escapeMrkdwn, HEADER, shownToBlocks } from './to-blocks.ts';

/** Blocks of one message (https://docs.slack.dev/reference/block-kit/blocks), and characters of its text that we use. */
const MOST_BLOCKS = 50;
const TEXT = 3_000;
/** Characters of one part of a review: what is longer is read on its page. */
const LIMIT = 2_000;
/** Characters of what is shown of a review; Slack refuses what is far longer as `msg_too_long`. */
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
 * A review as a message: who is called to it (`call`: mrkdwn of Holdpoint's own words and configured user ids), why it is
 * held, what changed against the version before (of `materials`), the evidence, the call, the agent's words, and what can
 * be done about it. Where all of it is too much for a message, the end of what is shown is cut, never the call to people
 * or what can be done.
 */
export function reviewMessage(
  stored: Review,
  deps: MessageDeps,
  materials: readonly Material[] = [],
  call = '',
): SlackMessage {
  const review = withShownDigest(stored);
  const shown = layOutText(showReview(review, { now: deps.now, ...shownBy(deps.settings, review), materials }), LIMIT);
  const head = callBlocks(call);
  const body = shownToBlocks({ ...shown, title: titleText(review, HEADER) });
  const foot = footOf(review, deps, shown.clipped);
  const message = (fitting: readonly KnownBlock[], end: readonly KnownBlock[]): SlackMessage => ({
    text: clipText(`${statusWords(review)}: ${escapeMrkdwn(titleText(review))}`, TEXT),
    blocks: [...head, ...fitting, ...end],
  });
  if (fit(body, MOST_BLOCKS - head.length - foot.length).length === body.length) return message(body, foot);
  // A call is not approved from a message that shows only part of it: a cut message leads to the page.
  const cutFoot = footOf(review, deps, true);
  return message(fit(body, MOST_BLOCKS - head.length - cutFoot.length), cutFoot);
}

/** As many sections as the text needs: one of many mentions is longer than a section may be. */
function callBlocks(text: string): readonly KnownBlock[] {
  const parts: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${parts.at(-1) ?? ''} ${word}`.trim();
    if (parts.length === 0 || longer.length > TEXT) parts.push(word);
    else parts[parts.length - 1] = longer;
  }
  return parts
    .filter((part) => part !== '')
    .map((part) => ({ type: 'section', text: { type: 'mrkdwn', text: part, verbatim: true } }));
}

/** One line about a review, for a thread, a digest or a webhook. Only the review's name comes from outside. */
export function lineAbout(review: Review, words: string, baseUrl: string | null): string {
  const name = escapeMrkdwn(titleText(review, 200));
  // Only Holdpoint's own URL becomes a link; the name stands beside it, not in it.
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
  return canBeStopped(review) ? 'Approved, not run yet' : capitalize(STATUS[review.status].words);
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
    ? [context('Cut here: this message cannot hold all of it. Read the rest on the review’s page.')]
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
  const where = stops ? 'It can still be stopped on the review’s page.' : 'Decide on the review’s page.';
  if (mode === 'sign-in' || isCut) return [...note, context(where), ...page];
  const buttons = SLACK_DECISIONS.filter((decision) => review.allowedDecisions.includes(decision)).map((decision) =>
    decisionButton(decision, value),
  );
  return [...note, commentInput(COMMENT_LABEL), actions([...buttons, ...open])];
}

const COMMENT_LABEL = 'Comment (required to reject or to ask for changes)';
const STOP_COMMENT = 'Approved, not run yet. Why stop it? (optional)';

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
  reject: { text: 'Reject', ask: 'Reject this call? That ends the review.' },
  revise: { text: 'Request changes', ask: 'Send your comment to the proposer and request changes?' },
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
      deny: { type: 'plain_text', text: 'Cancel', emoji: false },
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

/** Decisions that a button can be; an edit needs a form, an answer to a question needs its words. */
export const SLACK_DECISIONS = ['approve', 'reject', 'revise'] as const;
export type SlackDecision = (typeof SLACK_DECISIONS)[number];

/** Ids of the parts of a message that come back in an interaction. */
export const COMMENT = { block: 'holdpoint_comment', action: 'holdpoint_comment' } as const;
const DECIDE = 'holdpoint_decide_';
export const OPEN_ACTION = 'holdpoint_open';

export function actionOf(decision: SlackDecision): string {
  return `${DECIDE}${decision}`;
}

/** Undefined: no decision has this action id. */
export function decisionOf(actionId: string): SlackDecision | undefined {
  return SLACK_DECISIONS.find((decision) => actionOf(decision) === actionId);
}

const valueSchema = z.strictObject({ review: reviewIdSchema, digest: digestSchema });

/** What a button is bound to: one version of one review. Comes back as it is; Slack takes at most 2,000 characters. */
export function writeButtonValue(value: z.infer<typeof valueSchema>): string {
  return JSON.stringify(value);
}

export function readButtonValue(text: string): z.infer<typeof valueSchema> | undefined {
  try {
    return valueSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

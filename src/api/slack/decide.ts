import type { ReviewerPrincipal } from '../principal.ts';
import { ProblemError } from '../problem.ts';
import type { ServiceContext } from '../service/context.ts';
import { decide } from '../service/decide.ts';
import type { Caller } from '../service/types.ts';
import type { Press } from './interaction.ts';
import { PROBLEMS, type ProblemCode } from '../../contract/codes.ts';
import type { ReviewerConfig } from '../../contract/config.ts';
import type { ReviewId } from '../../contract/ids.ts';
import type { Review } from '../../contract/review.ts';
import { hasEnded } from '../../domain/lifecycle.ts';
import { slackDecisionOf } from '../../domain/mail-decision.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import {
  lineAbout,
  reviewMessage,
  statusWords,
  type SlackDecision,
  type SlackMessage,
} from '../../domain/slack/message.ts';
import { canBeStopped, queuedDecisionWords } from '../../domain/stop.ts';

/** Why Slack's buttons decided nothing: a code of any decision, or one of these. */
type SlackRefusal = ProblemCode | 'unknown_person' | 'sign_in_required';

export type PressResult =
  | { readonly kind: 'decided'; readonly reviewer: string; readonly review: Review }
  | { readonly kind: 'queued'; readonly reviewer: string; readonly review: Review; readonly type: SlackDecision }
  | { readonly kind: 'refused'; readonly code: SlackRefusal; readonly review: Review | undefined };

/** A press of a button as a decision of the reviewer whose Slack user it was; all checks of any decision follow. */
export async function decideByPress(deps: ServiceContext, press: Press, caller: Caller): Promise<PressResult> {
  const settings = deps.settings.current();
  const reviewId = press.reviewId as ReviewId;
  const reviewer = findBySlack(settings, press);
  if (reviewer === undefined) return { kind: 'refused', code: 'unknown_person', review: undefined };
  const review = (await deps.store.readReview(reviewId))?.review;
  if (review === undefined) return { kind: 'refused', code: 'not_found', review };
  // Policy in force now, whatever it was when the message was written. What has ended says so, not that it wants a session.
  const stops = canBeStopped(review);
  if ((!hasEnded(review.status) || stops) && slackDecisionOf(review, settings) !== 'confirm') {
    return { kind: 'refused', code: 'sign_in_required', review };
  }
  const { decision: type, digest, comment } = press;
  if (type !== 'approve' && comment === '' && !stops) return { kind: 'refused', code: 'comment_required', review };
  const principal: ReviewerPrincipal = {
    kind: 'reviewer',
    id: reviewer.id,
    reviewer,
    method: 'slack',
    channel: 'slack',
  };
  try {
    const request = { type, digest, ...(comment === '' ? {} : { comment }) };
    const settled = await decide(deps, principal, reviewId, request, caller);
    if (settled.httpStatus === 202) return { kind: 'queued', reviewer: reviewer.id, review, type };
    return { kind: 'decided', reviewer: reviewer.id, review: settled.review };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { kind: 'refused', code: error.code, review };
  }
}

/** Exactly the user of the config; an id without a team is of the team or organization that the app is installed in. */
function findBySlack(settings: Settings, { user, userTeam, homes }: Press): ReviewerConfig | undefined {
  const isGuest = userTeam !== undefined && homes.length > 0 && !homes.includes(userTeam);
  return settings.reviewers.find(
    ({ slack }) =>
      (slack === user && !isGuest) ||
      (slack !== undefined && userTeam !== undefined && slack === `${userTeam}/${user}`),
  );
}

const WORDS: Partial<Record<SlackRefusal, string>> = {
  unknown_person: 'No reviewer has this Slack user. An operator of Holdpoint can add it (reviewers[].slack).',
  sign_in_required: 'Policy does not accept this decision from Slack. Open the review and decide there.',
  comment_required:
    'Rejections and requests for changes need a comment: write it into the message, then press the button again.',
  already_started: 'The call has already started, so it could not be stopped.',
  repeat_not_confirmed:
    'The same call is waiting or has already run. Open the review to confirm that you want it twice.',
  digest_mismatch: 'The call has changed since this message was posted. Open the review to see it as it is now.',
};

/** What the person who pressed is told, and only that person. */
export function answerTo(result: PressResult, baseUrl: string): string {
  const { review } = result;
  const about = (words: string): string => (review === undefined ? words : lineAbout(review, words, baseUrl));
  switch (result.kind) {
    case 'decided':
      return about(`Recorded in the name of ${result.reviewer}. ${statusWords(result.review)}`);
    case 'queued':
      return about(`Your decision as ${result.reviewer} is ${queuedDecisionWords(result.type)}`);
    case 'refused': {
      const words = WORDS[result.code] ?? PROBLEMS[result.code as ProblemCode].title;
      return about(`Nothing was decided (${result.code}). ${words}`);
    }
    default:
      return result satisfies never;
  }
}

/**
 * The message as it is now, to take the place of the one with the button. Only where nobody else changes it: with a bot
 * token the gate worker does.
 */
export async function replacementFor(
  result: PressResult,
  { settings: source, store, clock }: ServiceContext,
  baseUrl: string,
): Promise<SlackMessage | undefined> {
  const settings = source.current();
  if (settings.notifications?.slack?.token !== undefined || result.review === undefined) return undefined;
  const isOld = result.kind === 'decided' || (result.kind === 'refused' && OUTDATED.has(result.code));
  if (!isOld) return undefined;
  const materials = (await store.readRecord(result.review.reviewId))?.materials;
  return reviewMessage(result.review, { settings, baseUrl, now: clock.now() }, materials);
}

const OUTDATED = new Set<SlackRefusal>(['digest_mismatch', 'already_resolved', 'already_started', 'expired']);

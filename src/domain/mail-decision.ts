import { CLASSES } from '../contract/call.ts';
import type { MailLinkAnswer } from '../contract/codes.ts';
import type { Review } from '../contract/review.ts';
import { hasEnded } from './lifecycle.ts';
import { assessCall, type Proposer } from './policy/assess.ts';
import { refusalOf, stateOfReview, voterOf, type DecisionRefusal } from './eligibility.ts';
import { digestOfShown } from './gate/shown.ts';
import { mailboxOf, type MailLink } from './proof/mail-link.ts';
import type { ApprovalPlan } from './policy/policy.ts';
import { findAgent, findReviewer, type InForce, type Settings } from './policy/settings.ts';

export type EmailDecision = ApprovalPlan['emailDecision'];

/**
 * Whether a review may be decided from a mail, by the policy in force now. Asked when the mail is written, and again by
 * the api before it takes the decision, which does not rely on what the first one found. What cannot be judged any more
 * (another policy, an agent that is gone) takes a session.
 */
export function emailDecisionOf(review: Review, settings: InForce): EmailDecision {
  return remoteDecisionOf(review, settings, 'emailDecision');
}

/** As {@link emailDecisionOf}, for the buttons of a Slack message. */
export function slackDecisionOf(review: Review, settings: InForce): ApprovalPlan['slackDecision'] {
  return remoteDecisionOf(review, settings, 'slackDecision');
}

function remoteDecisionOf(
  review: Review,
  settings: InForce,
  key: 'emailDecision' | 'slackDecision',
): 'confirm' | 'sign-in' | 'off' {
  if (review.kind === 'in-flow' || review.call.arguments === null || review.class === null) return 'sign-in';
  const proposer = proposerOf(review, settings);
  if (proposer === undefined) return 'sign-in';
  const assessment = assessCall({
    ...review.call,
    arguments: review.call.arguments,
    context: review.context,
    urgency: review.urgency,
    proposer,
    // A freeze holds calls back. How one is decided does not depend on it.
    settings: { ...settings, freeze: [], freezes: { version: 0, standing: [] } },
    stayHeld: true,
  });
  if (assessment.kind !== 'held') return 'sign-in';
  const decision = assessment.approval[key];
  // The default follows from the class. Where it was stricter when people were asked, so is this.
  const isWeaker = CLASSES.indexOf(assessment.class) < CLASSES.indexOf(review.class);
  return decision === 'confirm' && isWeaker ? 'sign-in' : decision;
}

function proposerOf(review: Review, settings: Settings): Proposer | undefined {
  const { id, attested, owner } = review.proposer;
  if (!attested) return { attested: false, id, owner: null };
  const agent = findAgent(settings, id);
  return agent && { attested: true, id, owner, agent };
}

/**
 * Everything that a link must be beside signed (undefined: it holds), in the order in which it is told: the deployment and the mailbox it was
 * made for, what policy says of mails, then the checks of any decision. `session`: the reviewer who is signed in in the
 * same browser, if any; a link that was forwarded to another reviewer is not theirs.
 */
export function checkMailLink(
  link: MailLink,
  review: Review,
  settings: Settings,
  at: number,
  session?: string,
): MailLinkAnswer | DecisionRefusal | undefined {
  const reviewer = findReviewer(settings, link.reviewer);
  const isOurs = link.deploymentId === settings.deploymentId && link.reviewId === review.reviewId;
  if (!isOurs || reviewer?.email === undefined || mailboxOf(reviewer.email) !== link.mailbox) return 'link_not_valid';
  if (settings.notifications?.email === undefined) return 'link_not_valid';
  if (session !== undefined && session !== link.reviewer) return 'link_of_another';
  // A reject is possible wherever a decision on a call is.
  const state = stateOfReview(review, digestOfShown(review));
  const refusal = refusalOf('reject', state, voterOf(reviewer), at, link.digest);
  if (refusal !== undefined) return refusal;
  // Past the deadline an approved call can still be stopped, with a session.
  if (at >= link.expiresAt) return hasEnded(review.status) ? 'sign_in_required' : 'expired';
  return emailDecisionOf(review, settings) === 'confirm' ? undefined : 'sign_in_required';
}

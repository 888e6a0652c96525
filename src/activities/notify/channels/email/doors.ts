import type { KeyObject } from 'node:crypto';
import type { Review } from '../../../../contract/review.ts';
import { decisionsFor, stateOfReview, voterOf } from '../../../../domain/eligibility.ts';
import { emailDecisionOf } from '../../../../domain/mail-decision.ts';
import { mailboxOf, writeMailLink } from '../../../../domain/proof/mail-link.ts';
import type { Settings } from '../../../../domain/policy/settings.ts';
import type { Recipient } from '../../channel.ts';

/** Where a mail leads from a review. */
export type Door =
  /** The page on which this person may decide, without signing in. */
  | { readonly kind: 'decide'; readonly url: string }
  /** The review itself, which asks for a session. `decides`: this person could decide there. */
  | { readonly kind: 'review'; readonly url: string; readonly decides: boolean }
  /** Policy wants no way from a mail to a decision, or nobody told us where we are reached. */
  | { readonly kind: 'none' };

export interface DoorDeps {
  /** Where people reach the api, without a slash at the end; null: unknown. */
  readonly baseUrl: string | null;
  /** Signs links that decide; undefined: this process has none, so mails ask to sign in. */
  readonly mailKey: KeyObject | undefined;
  readonly now: number;
}

/** The way from a mail to one review for one person. A link that decides is written only where it would hold now. */
export function doorTo(review: Review, recipient: Recipient, settings: Settings, deps: DoorDeps): Door {
  const { baseUrl, mailKey, now } = deps;
  const { digest } = review.call;
  const decides = decisionsFor(stateOfReview(review), voterOf(recipient), now).length > 0;
  const mode = decides ? emailDecisionOf(review, settings) : 'sign-in';
  if (baseUrl === null || mode === 'off') return { kind: 'none' };
  // Past the deadline an approved call can still be stopped, with a session.
  const expiresAt = review.expiresAt === null ? now : Date.parse(review.expiresAt);
  const isConfirmed = mode === 'confirm' && decides && expiresAt > now;
  if (!isConfirmed || mailKey === undefined || digest === null || recipient.email === undefined) {
    return { kind: 'review', url: `${baseUrl}/reviews/${review.reviewId}`, decides };
  }
  const link = {
    deploymentId: settings.deploymentId,
    reviewId: review.reviewId,
    reviewer: recipient.id,
    digest,
    expiresAt,
    mailbox: mailboxOf(recipient.email),
  };
  return { kind: 'decide', url: `${baseUrl}/mail/${writeMailLink(link, mailKey)}` };
}

import type { DecisionType, Review, ReviewRow } from '../contract/review.ts';
import { isStoppable } from './eligibility.ts';

/**
 * A no counts until the claim, also after the last yes: an approved call that is not being made yet (frozen, over its
 * hourly limit, no worker) can still be stopped.
 */
export function canBeStopped({ status, allowedDecisions }: Pick<Review, 'status' | 'allowedDecisions'>): boolean {
  return status === 'approved' && allowedDecisions.includes('reject');
}

/** As {@link canBeStopped}, of a row in a list. */
export function rowCanBeStopped({ status, kind, executionStatus }: ReviewRow): boolean {
  return status === 'approved' && isStoppable(kind, executionStatus);
}

/** A reviewer's no arrived after the last yes and before the claim. */
export function wasStopped({ execution }: Pick<Review, 'execution'>): boolean {
  return execution.error?.code === 'stopped';
}

export const STOPPED_WORDS = 'stopped before it ran';
/** What a 202 means for a revision, a withdrawal, and every decision but a rejection. */
export const QUEUED_WORDS = 'queued, not counted yet';

/** What a 202 means for a decision. A rejection is in the database by then, and the claim looks there. */
export function queuedDecisionWords(type: DecisionType): string {
  return type === 'reject'
    ? 'stored, and stops the call unless it has already started'
    : `${QUEUED_WORDS}: no worker has processed it`;
}

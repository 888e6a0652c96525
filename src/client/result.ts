import type { ExecuteResponse } from '../contract/execute.ts';
import type { ReviewHandle } from './review-handle.ts';

type Of<O extends ExecuteResponse['outcome']> = Extract<ExecuteResponse, { outcome: O }>;
/** Follow the review from here; there is one for every call, also for those that nobody had to look at. */
interface WithReview {
  readonly review: ReviewHandle;
}

/** The call was made. `execution.body` is the target's answer. */
export interface ExecutedResult extends Readonly<Of<'EXECUTED'>>, WithReview {
  readonly executed: true;
  readonly escalated: false;
  readonly blocked: false;
}
/** The call waits: for people, for its result (`still_executing`) or for policy (`not_yet_classified`). */
export interface EscalatedResult extends Readonly<Of<'ESCALATE'>>, WithReview {
  readonly executed: false;
  readonly escalated: true;
  readonly blocked: false;
}
/** The call will not be made. `retryable: false`: do not propose it again. */
export interface BlockedResult extends Readonly<Of<'BLOCKED'>>, WithReview {
  readonly executed: false;
  readonly escalated: false;
  readonly blocked: true;
}
/** The call was let through and did not succeed; with `outcome_unknown` nobody knows whether it took effect. */
export interface ErrorResult extends Readonly<Of<'ERROR'>>, WithReview {
  readonly executed: false;
  readonly escalated: false;
  readonly blocked: false;
}

/** What became of a proposal. Test `executed`, `escalated`, `blocked`; what is left is an error. */
export type ExecuteResult = ExecutedResult | EscalatedResult | BlockedResult | ErrorResult;

/** Whether an answer of the server is the result of a proposal, whatever its HTTP status. */
export function isExecuteResponse(value: unknown): value is ExecuteResponse {
  if (typeof value !== 'object' || value === null) return false;
  const { outcome, reviewId } = value as { outcome?: unknown; reviewId?: unknown };
  return OUTCOMES.has(outcome) && typeof reviewId === 'string';
}
const OUTCOMES: ReadonlySet<unknown> = new Set(['EXECUTED', 'ESCALATE', 'BLOCKED', 'ERROR']);

export function toExecuteResult(response: ExecuteResponse, review: ReviewHandle): ExecuteResult {
  switch (response.outcome) {
    case 'EXECUTED':
      return { ...response, review, executed: true, escalated: false, blocked: false };
    case 'ESCALATE':
      return { ...response, review, executed: false, escalated: true, blocked: false };
    case 'BLOCKED':
      return { ...response, review, executed: false, escalated: false, blocked: true };
    case 'ERROR':
      return { ...response, review, executed: false, escalated: false, blocked: false };
  }
}

import { HoldpointError } from './errors.ts';
import type { ReviewHandle } from './reviews.ts';
import type { ProblemCode } from '../contract/codes.ts';
import type { ExecuteResponse, ExecuteRequest } from '../contract/execute.ts';

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

export type BatchCall = Omit<ExecuteRequest, 'group' | 'waitSeconds'>;

export interface BatchResult {
  readonly group: string;
  /** One for each call, in order: its result, or the error that kept it from having one. */
  readonly results: readonly (ExecuteResult | HoldpointError)[];
}

/** `toResult` throws for what is not the result of a proposal. */
export function parseBatchResults(json: unknown, toResult: (item: unknown) => ExecuteResult): BatchResult {
  const { group, results } = json as { readonly group: string; readonly results: readonly unknown[] };
  return { group, results: results.map((item) => (isExecuteResponse(item) ? toResult(item) : toError(item))) };
}

function toError(item: unknown): HoldpointError {
  const { code, httpStatus, detail } = item as {
    readonly code?: ProblemCode;
    readonly httpStatus?: number;
    readonly detail?: string;
  };
  const status = httpStatus ?? 0;
  return new HoldpointError({
    code: code ?? 'unreadable_answer',
    status,
    retryable: status === 429 || status >= 500,
    ...(detail === undefined ? {} : { detail }),
  });
}

import { EXECUTION_ERRORS } from '../../contract/codes.ts';
import type { Review } from '../../contract/review.ts';
import { whyItWaits } from '../../domain/deferral.ts';
import { STATUS } from '../../domain/lifecycle.ts';
import type { ExecuteResponse } from '../../contract/execute.ts';
import { decisionIdOf, type ReviewId } from '../../contract/ids.ts';

/** The answer to a proposal, told from the state of its review. `review` is undefined before it is classified. */
export function outcomeOf(reviewId: ReviewId, review: Review | undefined, statusUrl: string): ExecuteResponse {
  const common = {
    decisionId: decisionIdOf(reviewId),
    reviewId,
    class: review?.class ?? null,
    gate: review?.gate ?? null,
  };
  if (review === undefined) {
    return { outcome: 'ESCALATE', ...common, reasonCodes: ['not_yet_classified'], expiresAt: null, statusUrl };
  }
  const wait = (...codes: readonly string[]): ExecuteResponse => ({
    outcome: 'ESCALATE',
    ...common,
    reasonCodes: unique([...codes, ...review.reasonCodes]),
    expiresAt: review.expiresAt,
    statusUrl,
    ...(review.feedback === null ? {} : { feedback: review.feedback }),
  });
  const { answer } = STATUS[review.status];
  switch (answer) {
    case 'wait':
      return wait();
    case 'execution':
      return (
        executed(common, review) ?? wait('still_executing', ...whyItWaits(review.execution).map(({ code }) => code))
      );
    case 'blocked':
      return blocked(common, review, review.status === 'blocked' ? [] : [review.status]);
    default:
      return answer satisfies never;
  }
}

type Common = Pick<ExecuteResponse, 'decisionId' | 'reviewId' | 'class' | 'gate'>;

/** How the call went; undefined while it has not ended. */
function executed(common: Common, review: Review): ExecuteResponse | undefined {
  const { execution } = review;
  const told = { ...common, reasonCodes: [...review.reasonCodes], execution, ...ranOf(review) };
  switch (execution.status) {
    case 'not_started':
    case 'executing':
      return undefined;
    case 'executed':
      return { outcome: 'EXECUTED', ...told };
    case 'failed':
    case 'outcome_unknown':
      return {
        outcome: 'ERROR',
        ...told,
        executionError: execution.error ?? { code: 'lost_answer', message: EXECUTION_ERRORS.lost_answer },
      };
    default:
      return execution.status satisfies never;
  }
}

/** What was let through, where a reviewer changed it: the proposer knows its own version alone. */
function ranOf({ execution, call }: Review): Pick<Extract<ExecuteResponse, { outcome: 'EXECUTED' }>, 'call'> {
  if (execution.edited !== true) return {};
  return { call: { service: call.service, tool: call.tool, arguments: call.arguments } };
}

function blocked(common: Common, review: Review, ended: readonly string[]): ExecuteResponse {
  const { resolution, status } = review;
  return {
    outcome: 'BLOCKED',
    ...common,
    reasonCodes: unique([...ended, ...review.reasonCodes]),
    retryable: resolution?.retryable ?? false,
    ...errorsOf(review),
    ...(status === 'rejected' && typeof resolution?.comment === 'string' ? { comment: resolution.comment } : {}),
  };
}

/** What the target said of the call when it was proposed. */
function errorsOf({ previewError }: Review): Pick<Extract<ExecuteResponse, { outcome: 'BLOCKED' }>, 'errors'> {
  if (previewError?.pointer === undefined) return {};
  return { errors: [{ pointer: previewError.pointer, message: previewError.message }] };
}

function unique(codes: readonly string[]): string[] {
  return [...new Set(codes)];
}

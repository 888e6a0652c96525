import type { Json, JsonObject } from '../contract/json.ts';
import type { ExecutionView, Review, ReviewStatus } from '../contract/review.ts';

/** The call as it was let through: after an edit, not as it was proposed. */
export interface ResolvedCall {
  readonly service: string;
  readonly tool: string;
  /** Null where retention has erased them. */
  readonly arguments: JsonObject | null;
}

interface Common {
  readonly review: Review;
  readonly call: ResolvedCall;
  /** A reviewer changed the arguments: `call` is what was let through. */
  readonly edited: boolean;
  /** What was said when the review was ended, or when its call was stopped before it ran. */
  readonly comment: string | null;
  /** Whether proposing the same call again can help. After a rejection: never. */
  readonly retryable: boolean;
}

interface ExecutedResolution extends Common {
  readonly executed: true;
  readonly status: 'executed';
  readonly execution: ExecutionView;
}
interface FailedResolution<S> extends Common {
  readonly executed: false;
  readonly status: S;
  readonly executionError: { readonly code: string; readonly message: string };
  readonly execution: ExecutionView;
}
interface RefusedResolution<S> extends Common {
  readonly executed: false;
  readonly status: S;
  readonly reasonCodes: readonly string[];
}
/** In-flow reviews: there is no call to make; `response` is set where a reviewer answered instead of saying yes. */
interface ApprovedResolution extends Common {
  readonly executed: false;
  readonly status: 'approved';
  readonly response?: Json;
}

/** Statuses of a review that ended without its call being let through. */
export const REFUSED = [
  'rejected',
  'expired',
  'withdrawn',
  'blocked',
  'aborted',
] as const satisfies readonly ReviewStatus[];
export type RefusedStatus = (typeof REFUSED)[number];

/** How a review ended. `executed` says whether the call was made; `status` says what became of it. */
export type Resolution =
  | ExecutedResolution
  | FailedResolution<'failed'>
  | FailedResolution<'outcome_unknown'>
  | { readonly [S in RefusedStatus]: RefusedResolution<S> }[RefusedStatus]
  | ApprovedResolution;

const EXECUTION_ENDED: ReadonlySet<string> = new Set(['executed', 'failed', 'outcome_unknown']);

/** The same question as `isFinal` of the domain, which a client without dependencies cannot import. */
export function isFinal(review: Review): boolean {
  if (review.status === 'pending' || review.status === 'changes_requested') return false;
  const runs = review.kind === 'call' && (review.status === 'approved' || review.status === 'not_required');
  return !runs || EXECUTION_ENDED.has(review.execution.status);
}

/** The resolution of a final review. Throws a TypeError for one that is not final. */
export function toResolution(review: Review): Resolution {
  if (!isFinal(review)) throw new TypeError(`${review.reviewId} is not final`);
  const { execution } = review;
  const common: Common = {
    review,
    call: { service: review.call.service, tool: review.call.tool, arguments: review.call.arguments },
    edited: review.resolution?.edited ?? execution.edited ?? false,
    comment: (execution.stopped ?? review.resolution)?.comment ?? null,
    retryable: review.resolution?.retryable ?? false,
  };
  if (execution.status === 'executed') return { ...common, executed: true, status: 'executed', execution };
  if (execution.status === 'failed' || execution.status === 'outcome_unknown') {
    const executionError = execution.error ?? { code: execution.status, message: '' };
    return { ...common, executed: false, status: execution.status, executionError, execution };
  }
  const status = endStatus(review.status);
  if (status !== 'approved') {
    // As execute answers: how it ended stands first, then why it was held.
    const ended = status === 'blocked' ? [] : [status];
    return { ...common, executed: false, status, reasonCodes: [...new Set([...ended, ...review.reasonCodes])] };
  }
  const response = review.resolution?.response;
  return { ...common, executed: false, status, ...(response === undefined ? {} : { response }) };
}

function endStatus(status: ReviewStatus): 'approved' | RefusedStatus {
  const refused = REFUSED.find((candidate) => candidate === status);
  if (refused !== undefined) return refused;
  if (status === 'approved' || status === 'not_required') return 'approved';
  throw new TypeError('not final');
}

import type { Json, JsonObject } from '../../contract/json.ts';
import type { ExecutionView, Review } from '../../contract/review.ts';
import { isFinal, REFUSED, toResolution, type RefusedStatus, type Resolution } from '../resolution.ts';
import type { ExecuteResult } from '../result.ts';

interface Common {
  readonly reviewId: string;
  /** What the model is told to make of it, in a sentence. */
  readonly note?: string;
}
/** What really ran, told where a reviewer changed it: models repeat their own version otherwise. */
interface Ran {
  readonly edited: boolean;
  readonly arguments?: JsonObject | null;
}

/**
 * What became of a tool call that Holdpoint gates, as a model reads it: plain JSON that always says which of done,
 * waiting, refused or failed it was.
 */
export type ToolOutcome =
  | (Common & Ran & { readonly status: 'executed'; readonly result: Json })
  | (Common & { readonly status: 'pending'; readonly expiresAt: string | null })
  | (Common & { readonly status: 'changes_requested'; readonly revision: number; readonly comment: string })
  | (Common & {
      readonly status: RefusedStatus;
      readonly reasonCodes: readonly string[];
      /** The reviewer's words. */
      readonly comment: string | null;
      /** Whether proposing the same call again can help; after a rejection never. */
      readonly retryable: boolean;
      readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
    })
  | (Common &
      Ran & {
        readonly status: 'failed' | 'outcome_unknown';
        readonly error: { readonly code: string; readonly message: string };
        readonly retryable: boolean;
        /** What the target said. */
        readonly result?: Json;
        /** The words of the reviewer who stopped it before it ran. */
        readonly comment?: string;
      })
  /** This tool call was proposed before, and not with these arguments as far as can be told: whose answer to give is unknown. */
  | {
      readonly status: 'proposed_differently';
      readonly reviewId: null;
      readonly retryable: false;
      readonly note: string;
    }
  /** A question of a workflow that was answered: nothing was to be run. */
  | (Common & { readonly status: 'answered'; readonly response: Json });

/** Refusals and failures reach a model as errors; what waits is none. */
export function isFine({ status }: ToolOutcome): boolean {
  return FINE.has(status);
}
const FINE: ReadonlySet<ToolOutcome['status']> = new Set(['executed', 'pending', 'changes_requested', 'answered']);

const NOTES = {
  edited:
    'A reviewer changed the arguments before approving. `arguments` has the arguments that were used; do not repeat yours.',
  pending:
    'Nothing has run. People decide; do not propose it again. Call holdpoint_await with reviewId for the answer.',
  running:
    'It was let through, and is running or waits to run; do not propose it again. Call holdpoint_await with reviewId for the answer.',
  changes_requested: 'Nothing has run. Answer the comment with holdpoint_revise: reviewId, revision, all arguments.',
  rejected: 'It did not run, and the answer is final: do not propose it again, in this form or another.',
  expired: 'Nobody decided in time, so it did not run. Nobody rejected it either.',
  withdrawn: 'It was withdrawn. It did not run.',
  blocked: 'It was stopped; see reasonCodes and errors. It did not run.',
  aborted: 'The review was ended from outside; nobody decided. It did not run.',
  proposed_differently:
    'This call was proposed before, with other arguments. It may have run: check in Holdpoint, and do not propose it again.',
  stopped: 'A reviewer stopped it before it ran: do not propose it again, in this form or another.',
  outcome_unknown: 'It may or may not have taken effect. A person has to find out; do not retry.',
} as const;

export const PROPOSED_DIFFERENTLY: ToolOutcome = {
  status: 'proposed_differently',
  reviewId: null,
  retryable: false,
  note: NOTES.proposed_differently,
};

/** Of a review as it stands. */
export function outcomeOf(review: Review): ToolOutcome {
  const { reviewId, feedback } = review;
  if (isFinal(review)) return outcomeOfResolution(toResolution(review));
  if (review.status !== 'changes_requested') {
    const note = review.status === 'pending' ? NOTES.pending : NOTES.running;
    return { status: 'pending', reviewId, expiresAt: review.expiresAt, note };
  }
  const comment = feedback?.comment ?? '';
  return { status: 'changes_requested', reviewId, revision: review.revision, comment, note: NOTES.changes_requested };
}

/** Of the answer to a proposal. Undefined where the review has to be read to tell: it waits, or it was edited. */
export function outcomeOfResult(result: ExecuteResult): ToolOutcome | undefined {
  const { reviewId } = result;
  if (result.escalated) return undefined;
  if (result.blocked) {
    const { reasonCodes, retryable, comment = null, errors } = result;
    const status = REFUSED.find((code) => reasonCodes.includes(code)) ?? 'blocked';
    return refused({ status, reviewId, reasonCodes, comment, retryable, ...(errors === undefined ? {} : { errors }) });
  }
  if (result.execution.edited === true) return undefined;
  if (result.executed) return { status: 'executed', reviewId, result: result.execution.body ?? null, edited: false };
  const { execution, executionError: error } = result;
  const status = execution.status === 'outcome_unknown' ? 'outcome_unknown' : 'failed';
  return { status, reviewId, error, edited: false, retryable: false, ...moreOf(execution) };
}

function outcomeOfResolution(end: Resolution): ToolOutcome {
  const { reviewId } = end.review;
  const ran: Ran = end.edited ? { edited: true, arguments: end.call.arguments } : { edited: false };
  switch (end.status) {
    case 'executed': {
      const note = end.edited ? { note: NOTES.edited } : {};
      return { status: 'executed', reviewId, result: end.execution.body ?? null, ...ran, ...note };
    }
    case 'failed':
    case 'outcome_unknown': {
      const { status, executionError: error, retryable } = end;
      return { status, reviewId, error, retryable, ...ran, ...moreOf(end.execution) };
    }
    case 'approved':
      return { status: 'answered', reviewId, response: end.response ?? null };
    default: {
      const { status, reasonCodes, comment, retryable } = end;
      return refused({ status, reviewId, reasonCodes, comment, retryable });
    }
  }
}

type Refused = Extract<ToolOutcome, { readonly status: RefusedStatus }>;

function refused(outcome: Refused): Refused {
  return { ...outcome, note: NOTES[outcome.status] };
}

function moreOf({ status, body, stopped }: ExecutionView): {
  readonly result?: Json;
  readonly note?: string;
  readonly comment?: string;
} {
  const said = body === undefined ? {} : { result: body };
  if (status === 'outcome_unknown') return { ...said, note: NOTES.outcome_unknown };
  if (stopped === undefined) return said;
  return { ...said, note: NOTES.stopped, ...(stopped.comment === null ? {} : { comment: stopped.comment }) };
}

import { NOT_STARTED, type ExecutionView, type Level, type Review, type ReviewRow } from '../../contract/review.ts';
import {
  approversAt,
  barredFrom,
  countYeses,
  isStoppable,
  openLevelOf,
  stateOfReview,
} from '../../domain/eligibility.ts';
import { hasEnded, STATUS } from '../../domain/lifecycle.ts';
import { ofArguments } from '../../domain/money.ts';
import { clip } from '../../domain/gate/describe.ts';

const SUMMARY_BYTES = 400;
const ROW_AMOUNTS = 5;

/**
 * What a list shows of a review, computed when the review is written so that lists never read whole states.
 * `executionStatus` is kept beside it, because the execute worker writes it alone.
 */
export interface ListRow {
  readonly row: Omit<ReviewRow, 'executionStatus' | 'closedTo'> & Partial<Pick<ReviewRow, 'closedTo'>>;
  /** Groups that join the approvers from a time on. */
  readonly escalation: Level['escalation'];
  /** Who ended it, and who made the version that stands where it was not the proposer. */
  readonly by: string | null;
  readonly editedBy: string | null;
}

export function listRowOf(review: Review): ListRow {
  const open = openLevelOf(review);
  return {
    row: {
      reviewId: review.reviewId,
      decisionId: review.decisionId,
      kind: review.kind,
      status: review.status,
      class: review.class,
      gate: review.gate,
      reasonCodes: review.reasonCodes,
      revision: review.revision,
      level: review.level,
      proposer: review.proposer,
      reason: review.reason,
      threadId: review.threadId,
      group: review.group,
      title: review.title,
      ...amountsOf(review),
      ...(review.sentence === undefined ? {} : { sentence: review.sentence }),
      proposedAt: review.proposedAt,
      expiresAt: review.expiresAt,
      resolvedAt: review.resolvedAt,
      service: review.call.service,
      tool: review.call.tool,
      summary: summaryOf(review),
      votesMissing: open === undefined ? 0 : Math.max(0, open.quorum - countYeses(open)),
      approvers: open?.approvers ?? [],
      // Who would be told `already_voted` or `self_approval`.
      closedTo: open === undefined ? [] : [...barredFrom(stateOfReview(review))],
    },
    escalation: open?.escalation ?? null,
    by: review.resolution?.by ?? null,
    editedBy: editorOf(review),
  };
}

function editorOf({ revisions, proposer }: Review): string | null {
  const author = revisions.at(-1)?.by ?? proposer.id;
  return author === proposer.id ? null : author;
}

/** The row as it is shown at a time (epoch ms). */
export function showListRow(
  stored: ListRow,
  executionStatus: ReviewRow['executionStatus'],
  ended: { readonly status: ReviewRow['status']; readonly at: string } | null,
  now: number,
): ReviewRow {
  // A row of an earlier release says nothing of it.
  const row = { ...stored.row, closedTo: stored.row.closedTo ?? [] };
  if (ended !== null) {
    return {
      ...row,
      status: ended.status,
      resolvedAt: ended.at,
      level: 0,
      votesMissing: 0,
      approvers: [],
      closedTo: [],
      executionStatus,
    };
  }
  const level = { approvers: row.approvers, escalation: stored.escalation };
  return { ...row, executionStatus, approvers: [...approversAt(level, now)] };
}

/** The review of the two columns that hold it: what the gate worker wrote, and what the execute worker did. */
export function composeReview(stateText: string, executionText: string | null): Review {
  const state = JSON.parse(stateText) as Omit<Review, 'execution'>;
  return withExecution(state, executionText === null ? NOT_STARTED : (JSON.parse(executionText) as ExecutionView));
}

export function withExecution(state: Omit<Review, 'execution'>, written: ExecutionView): Review {
  // That a reviewer changed the call is the gate's to say; the execute worker, which writes the rest, does not know.
  const execution = state.resolution?.edited === true ? { ...written, edited: true } : written;
  // Written with the last yes: from the claim on, the call cannot be stopped.
  const allowedDecisions =
    state.status === 'approved' && !isStoppable(state.kind, execution.status) ? [] : state.allowedDecisions;
  return { ...state, allowedDecisions, execution };
}

/** A review whose workflow is gone, as the sweeper ended it. */
export function endReview(review: Review, status: Review['status'], at: string): Review {
  if (hasEnded(review.status)) return review;
  const type = status === 'rejected' || status === 'approved' ? 'aborted' : STATUS[status].resolution;
  return {
    ...review,
    status,
    level: 0,
    allowedDecisions: [],
    resolvedAt: at,
    resolution:
      type === null ? null : { type, by: null, comment: null, edited: false, retryable: STATUS[status].mayRetry },
    feedback: null,
  };
}

/** Of the call itself, as many as a line can have. */
function amountsOf({ amounts = [] }: Review): Pick<ReviewRow, 'amounts'> {
  const own = ofArguments(amounts).slice(0, ROW_AMOUNTS);
  return own.length === 0 ? {} : { amounts: [...own] };
}

/** The call in one line. Characters that could hide or reorder text are written as escapes. */
function summaryOf(review: Pick<Review, 'call' | 'title'>): string {
  const { tool, arguments: args } = review.call;
  // No string shows more than the line does: of a long one the rest need not be written first.
  const beginning = (_: string, value: unknown) =>
    typeof value === 'string' ? value.slice(0, SUMMARY_BYTES + 1) : value;
  const text = review.title ?? (args === null ? tool : `${tool} ${JSON.stringify(args, beginning)}`);
  // Escapes only lengthen it: what is beyond the limit before them is beyond it after them.
  return clip(text.slice(0, SUMMARY_BYTES + 1).replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, escape), SUMMARY_BYTES);
}

function escape(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

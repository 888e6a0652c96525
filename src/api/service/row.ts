import type { DecisionView, Review, ReviewRow } from '../../contract/review.ts';
import { approversAt } from '../../core/gate/check.ts';
import { clip, summarizeCall } from '../../core/gate/describe.ts';

/** A review as a list shows it: no digest and no arguments in full. `at`: epoch ms, for escalations. */
export function rowOf(review: Review, at: number): ReviewRow {
  const open = review.status === 'pending' ? review.levels[review.level - 1] : undefined;
  return {
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
    proposedAt: review.proposedAt,
    expiresAt: review.expiresAt,
    resolvedAt: review.resolvedAt,
    service: review.call.service,
    tool: review.call.tool,
    summary: summaryOf(review),
    executionStatus: review.execution.status,
    votesMissing: open === undefined ? 0 : Math.max(0, open.quorum - open.decisions.filter(isYes).length),
    approvers: open === undefined ? [] : [...approversAt(open, at)],
  };
}

function isYes({ type }: DecisionView): boolean {
  return type === 'approve' || type === 'edit' || type === 'respond';
}

function summaryOf({ title, call }: Review): string {
  return title === null ? summarizeCall({ tool: call.tool, arguments: call.arguments ?? {} }) : clip(title, 400);
}

import type { ExecutionStatus, Review, ReviewStatus } from '../../contract/review.ts';
import { STOPPED_WORDS, wasStopped } from '../../domain/stop.ts';

const STATUS_WORDS: Readonly<Record<ReviewStatus, string>> = {
  pending: 'waits for a decision',
  changes_requested: 'waits for the proposer to change it',
  approved: 'approved',
  rejected: 'rejected',
  expired: 'expired: nobody decided in time',
  withdrawn: 'taken back by the proposer',
  not_required: 'needs nobody',
  blocked: 'blocked by policy',
  aborted: 'ended from outside',
};

const EXECUTION_WORDS: Readonly<Record<ExecutionStatus, string>> = {
  not_started: 'not started',
  executing: 'is running',
  executed: 'executed',
  failed: 'failed: it did not take effect',
  outcome_unknown: 'OUTCOME UNKNOWN: it was sent and no answer came back; find out, then `holdpoint review reconcile`',
};

export function describeStatus(review: Pick<Review, 'status'>): string {
  return STATUS_WORDS[review.status];
}

export function describeExecution(review: Pick<Review, 'execution'>): string {
  return `Execution: ${wasStopped(review) ? STOPPED_WORDS : EXECUTION_WORDS[review.execution.status]}`;
}

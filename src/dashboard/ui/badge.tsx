import type { CallClass } from '../../contract/call.ts';
import type { ExecutionStatus, Review, ReviewStatus } from '../../contract/review.ts';
import { STOPPED_WORDS, wasStopped } from '../../domain/stop.ts';
import { CLASS_WORDS, EXECUTION_WORDS, STATUS_WORDS } from './words.ts';

export function ClassBadge({ value }: { readonly value: CallClass | null }) {
  const { text, tone } = value === null ? { text: 'not classified', tone: 'quiet' } : CLASS_WORDS[value];
  return <span className={`badge badge-${tone}`}>{text}</span>;
}

export function StatusBadge({ value }: { readonly value: ReviewStatus }) {
  const { text, tone } = STATUS_WORDS[value];
  return <span className={`badge badge-${tone}`}>{text}</span>;
}

/** What became of an approved call, or of one that needed no decision. */
export function OutcomeBadge({ review }: { readonly review: Pick<Review, 'execution'> }) {
  if (wasStopped(review)) return <span className="badge badge-bad">{STOPPED_WORDS}</span>;
  return review.execution.status === 'not_started' ? null : <ExecutionBadge value={review.execution.status} />;
}

export function ExecutionBadge({ value }: { readonly value: ExecutionStatus }) {
  const { text, tone } = EXECUTION_WORDS[value];
  return <span className={`badge badge-${tone}`}>{text}</span>;
}

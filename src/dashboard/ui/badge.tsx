import type { CallClass } from '../../contract/call.ts';
import type { ExecutionStatus, Review, ReviewStatus } from '../../contract/review.ts';
import { EXECUTION, STATUS, type Tone } from '../../domain/lifecycle.ts';
import { STOPPED_WORDS, wasStopped } from '../../domain/stop.ts';
import { words } from '../words.ts';

const CLASS_TONES: Readonly<Record<CallClass, Tone>> = {
  reversible: 'quiet',
  sensitive: 'quiet',
  irreversible: 'bad',
  forbidden: 'bad',
};

export function ClassBadge({ value }: { readonly value: CallClass | null }) {
  const tone = value === null ? 'quiet' : CLASS_TONES[value];
  return <span className={`badge badge-${tone}`}>{value ?? words.noClass}</span>;
}

export function StatusBadge({ value }: { readonly value: ReviewStatus }) {
  const { label, tone } = STATUS[value];
  return <span className={`badge badge-${tone}`}>{label}</span>;
}

/** What became of an approved call, or of one that needed no decision. */
export function OutcomeBadge({ review }: { readonly review: Pick<Review, 'execution'> }) {
  if (wasStopped(review)) return <span className="badge badge-bad">{STOPPED_WORDS}</span>;
  return review.execution.status === 'not_started' ? null : <ExecutionBadge value={review.execution.status} />;
}

export function ExecutionBadge({ value }: { readonly value: ExecutionStatus }) {
  const { label, tone } = EXECUTION[value];
  return <span className={`badge badge-${tone}`}>{label}</span>;
}

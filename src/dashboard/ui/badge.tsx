import type { CallClass } from '../../contract/call.ts';
import type { ExecutionStatus, ReviewStatus } from '../../contract/review.ts';
import { CLASS_WORDS, EXECUTION_WORDS, STATUS_WORDS } from './words.ts';

export function ClassBadge({ value }: { readonly value: CallClass | null }) {
  const { text, tone } = value === null ? { text: 'not classified', tone: 'quiet' } : CLASS_WORDS[value];
  return <span className={`badge badge-${tone}`}>{text}</span>;
}

export function StatusBadge({ value }: { readonly value: ReviewStatus }) {
  const { text, tone } = STATUS_WORDS[value];
  return <span className={`badge badge-${tone}`}>{text}</span>;
}

export function ExecutionBadge({ value }: { readonly value: ExecutionStatus }) {
  const { text, tone } = EXECUTION_WORDS[value];
  return <span className={`badge badge-${tone}`}>{text}</span>;
}

import type { AuditEntryType } from '../contract/audit.ts';
import type { NoticeEvent } from '../contract/delivery.ts';
import type { ExecutionStatus, ExecutionView, Review, ReviewStatus } from '../contract/review.ts';

/**
 * One row for each status of a review, each status of its execution, each type of audit entry and each notice. What is
 * said or derived of one of them stands here and nowhere else; a new one is a new row, and the compiler names what it
 * lacks. Types only are imported: workflows load this too.
 */

/** What a colour means. */
export type Tone = 'good' | 'bad' | 'warn' | 'quiet';

interface StatusRow {
  /** No more decisions are taken. */
  readonly hasEnded: boolean;
  /** In a badge, a list or a filter. */
  readonly label: string;
  /** In a sentence. */
  readonly words: string;
  readonly tone: Tone;
  /** What the proposer is told: to wait, how the call went, or that it will not run. */
  readonly answer: 'wait' | 'execution' | 'blocked';
  /** `resolution.type` of a review that ended so; null: it has not ended. */
  readonly resolution: NonNullable<Review['resolution']>['type'] | null;
  /** It was not refused: the same call may be proposed again. */
  readonly mayRetry: boolean;
  /** Status of the MCP task. A rejection completes it: the answer is there, and it is no. `failed` is for the protocol. */
  readonly task: 'working' | 'completed' | 'cancelled';
}

const WAITS = {
  hasEnded: false,
  tone: 'quiet',
  answer: 'wait',
  resolution: null,
  mayRetry: false,
  task: 'working',
} as const;
const LET_THROUGH = { hasEnded: true, answer: 'execution', mayRetry: false, task: 'completed' } as const;
const REFUSED = { hasEnded: true, tone: 'bad', answer: 'blocked', mayRetry: false, task: 'completed' } as const;
const LAPSED = { ...REFUSED, tone: 'quiet', mayRetry: true } as const;

export const STATUS = {
  pending: { ...WAITS, label: 'waiting', words: 'waiting for a decision' },
  changes_requested: { ...WAITS, label: 'changes requested', words: 'waiting for the agent to change it' },
  approved: { ...LET_THROUGH, label: 'approved', words: 'approved', tone: 'good', resolution: 'approve' },
  rejected: { ...REFUSED, label: 'rejected', words: 'rejected', resolution: 'reject' },
  expired: { ...LAPSED, label: 'expired', words: 'expired: not decided in time', resolution: 'expired' },
  withdrawn: {
    ...LAPSED,
    label: 'withdrawn',
    words: 'withdrawn by the proposer',
    resolution: 'withdrawn',
    task: 'cancelled',
  },
  not_required: {
    ...LET_THROUGH,
    label: 'no decision needed',
    words: 'no decision needed',
    tone: 'quiet',
    resolution: 'not_required',
  },
  blocked: { ...REFUSED, label: 'blocked', words: 'blocked by policy', resolution: 'blocked' },
  aborted: { ...LAPSED, label: 'aborted', words: 'aborted: ended from outside', resolution: 'aborted' },
} as const satisfies Record<ReviewStatus, StatusRow>;

type StatusOf<Ended extends boolean> = {
  [S in ReviewStatus]: (typeof STATUS)[S]['hasEnded'] extends Ended ? S : never;
}[ReviewStatus];
export type EndedStatus = StatusOf<true>;

function isKeyOf<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(table, key);
}

export function isStatus(text: string): text is ReviewStatus {
  return isKeyOf(STATUS, text);
}

export function hasEnded(status: ReviewStatus): status is EndedStatus {
  return STATUS[status].hasEnded;
}

const STATUS_NAMES = Object.keys(STATUS).filter(isStatus);
/** Statuses in which a person or the proposer still has to act. */
export const OPEN_STATUSES = STATUS_NAMES.filter((status) => !hasEnded(status));
export const ENDED_STATUSES = STATUS_NAMES.filter(hasEnded);

interface ExecutionRow {
  /** Nothing more comes of it by itself. */
  readonly hasEnded: boolean;
  readonly label: string;
  readonly words: string;
  readonly tone: Tone;
}

export const EXECUTION = {
  not_started: { hasEnded: false, label: 'not run', words: 'not run', tone: 'quiet' },
  executing: { hasEnded: false, label: 'running', words: 'running', tone: 'quiet' },
  executed: { hasEnded: true, label: 'executed', words: 'executed', tone: 'good' },
  failed: { hasEnded: true, label: 'failed', words: 'failed: it did not take effect', tone: 'bad' },
  outcome_unknown: {
    hasEnded: true,
    label: 'outcome unknown',
    words: 'outcome unknown: it may have taken effect, so a person has to find out what happened',
    tone: 'bad',
  },
} as const satisfies Record<ExecutionStatus, ExecutionRow>;

/** Final: the review ended and, where a call follows from it, the execution ended or its outcome is unknown. */
export function isFinal(
  review: Pick<Review, 'status' | 'kind'> & { readonly execution: Pick<ExecutionView, 'status'> },
): boolean {
  if (!hasEnded(review.status)) return false;
  const runs = review.kind === 'call' && STATUS[review.status].answer === 'execution';
  return !runs || EXECUTION[review.execution.status].hasEnded;
}

interface EntryRow {
  readonly label: string;
  /** Database roles that may append it; `test/unit/lifecycle.test.ts` compares it with the check in the database. */
  readonly writtenBy: readonly ('gate' | 'execute' | 'review')[];
  /** The proposer's final answer follows from it. `sometimes`: it depends on what the entry says. */
  readonly endsReview: boolean | 'sometimes';
}

export const ENTRY = {
  proposed: { label: 'Proposed', writtenBy: ['gate'], endsReview: false },
  classified: { label: 'Classified', writtenBy: ['gate'], endsReview: 'sometimes' },
  notified: { label: 'People notified', writtenBy: ['gate'], endsReview: false },
  decided: { label: 'Decided', writtenBy: ['gate'], endsReview: 'sometimes' },
  objected: { label: 'Stopped', writtenBy: ['execute'], endsReview: true },
  revised: { label: 'Revised', writtenBy: ['gate'], endsReview: false },
  withdrawn: { label: 'Withdrawn', writtenBy: ['gate'], endsReview: true },
  expired: { label: 'Expired', writtenBy: ['gate', 'execute'], endsReview: true },
  aborted: { label: 'Aborted', writtenBy: ['gate', 'execute'], endsReview: true },
  started: { label: 'Call started', writtenBy: ['execute'], endsReview: false },
  deferred: { label: 'Call deferred', writtenBy: ['execute'], endsReview: false },
  finished: { label: 'Call finished', writtenBy: ['gate', 'execute'], endsReview: 'sometimes' },
  unknown: { label: 'Outcome unknown', writtenBy: ['execute'], endsReview: true },
  reconciled: { label: 'Reconciled', writtenBy: ['gate'], endsReview: false },
  policy_changed: { label: 'Policy changed', writtenBy: ['gate'], endsReview: false },
  restored: { label: 'Restored', writtenBy: [], endsReview: false },
  frozen: { label: 'Tools frozen', writtenBy: ['review'], endsReview: false },
  lifted: { label: 'Freeze lifted', writtenBy: ['execute'], endsReview: false },
} as const satisfies Record<AuditEntryType, EntryRow>;

interface NoticeRow {
  /** What a mail's subject begins with. */
  readonly subject: string;
  /** What a mail says to the person it goes to. */
  readonly sentence: string;
  /** The same of a question that a workflow asks, where it differs. */
  readonly ofQuestion?: string;
  /** What people are asked for in a Slack channel; null: only the existing message changes. */
  readonly call: string | null;
  /** Told to people only while the review still has this status; null: always. `open`: has not ended. */
  readonly while: 'open' | 'changes_requested' | null;
  /** The review or its call is over: the last word about it. */
  readonly isLast: boolean;
}

const NEWS = { call: null, while: null, isLast: false } as const;

/** Notices whose words depend on the review (`review.resolved`, `review.decided`, a stop) are filled in by the channels. */
export const NOTICE: Readonly<Record<NoticeEvent, NoticeRow>> = {
  'review.pending': {
    subject: 'Decision needed',
    sentence: 'This call is waiting for your decision. If nobody decides in time, the answer is no.',
    ofQuestion: 'A workflow asks you a question, and waits for the answer.',
    call: 'Waiting for a decision',
    while: 'open',
    isLast: false,
  },
  'review.proceeding': {
    ...NEWS,
    subject: 'Proceeding',
    sentence: 'This call proceeds without a decision. Policy says to tell you about it.',
    call: 'Proceeding without a decision',
  },
  'review.blocked': { ...NEWS, subject: 'Blocked', sentence: 'Policy blocked this call.' },
  'review.decided': { ...NEWS, subject: 'Your vote', sentence: 'A vote was recorded in your name.' },
  'review.objection_lapsed': {
    ...NEWS,
    subject: 'Your rejection no longer counts',
    sentence:
      'You rejected an earlier version of this call, which was replaced before your rejection counted. Please decide again.',
    ofQuestion:
      'You rejected an earlier version of this proposal, which was replaced before your rejection counted. Please decide again.',
  },
  'review.revision_requested': {
    ...NEWS,
    subject: 'Changes requested',
    sentence: 'A reviewer asked for changes to this call, which one of your agents proposed.',
    while: 'changes_requested',
  },
  'review.revised': {
    ...NEWS,
    subject: 'Changed, decide again',
    sentence: 'This call has a new version. Votes on earlier versions no longer count: please decide again.',
    ofQuestion: 'This question has a new version. Votes on earlier versions no longer count: please decide again.',
    call: 'New version: votes on earlier ones no longer count',
    while: 'open',
  },
  'review.reminder': {
    ...NEWS,
    subject: 'Still waiting',
    sentence: 'This call is still waiting. If nobody decides in time, the answer is no.',
    ofQuestion: 'This question still waits for an answer.',
    call: 'Still waiting: if nobody decides in time, the answer is no',
    while: 'open',
  },
  'review.escalated': {
    ...NEWS,
    subject: 'Escalated, decision needed',
    sentence: 'This call has been waiting for a long time, so you may decide about it too.',
    ofQuestion: 'This question has been waiting for a long time, so you may answer it too.',
    call: 'Escalated: it has been waiting for a long time',
    while: 'open',
  },
  'review.resolved': { ...NEWS, subject: 'Ended', sentence: 'This review has ended.', isLast: true },
  'review.final': { ...NEWS, subject: 'Ended', sentence: 'This review has ended, and so has its call.' },
  'execution.started': { ...NEWS, subject: 'Started', sentence: 'The call is running.' },
  'execution.deferred': {
    ...NEWS,
    subject: 'Deferred',
    sentence: 'The call was sent without effect. It is made again within the time that its approval allows.',
  },
  'execution.executed': { ...NEWS, subject: 'Executed', sentence: 'The call was executed.', isLast: true },
  'execution.failed': {
    ...NEWS,
    subject: 'Failed',
    sentence: 'The call was allowed to run, but failed.',
    isLast: true,
  },
  'execution.unknown': {
    ...NEWS,
    subject: 'Outcome unknown',
    sentence: 'It is not known whether the call took effect: please find out, and record it.',
    call: 'Outcome unknown: please find out whether the call took effect',
  },
  'execution.reconciled': {
    ...NEWS,
    subject: 'Reconciled',
    sentence: 'A reviewer recorded what became of this call.',
  },
};

/** Whether a notice to people has been overtaken by what happened since: people are not asked about what is over. */
export function isOvertaken(event: NoticeEvent, status: ReviewStatus): boolean {
  const needs = NOTICE[event].while;
  return needs === 'open' ? hasEnded(status) : needs !== null && status !== needs;
}

/** `rejected` → `Rejected`, for the beginning of a line. */
export function capitalize(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

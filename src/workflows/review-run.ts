import {
  ApplicationFailure,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { DsseEnvelope } from '../contract/envelope.ts';
import type { DecisionType, Material, Review } from '../contract/review.ts';
import type { Classified, RecordOutcome, ClassifiedRevision, WithEvidence } from '../activities/api.ts';
import type { Schedule } from '../domain/deadline.ts';
import { classifiedEntry, deny, writeChange, type Change } from '../domain/gate/change.ts';
import { clip, describeReview, whereItStands } from '../domain/gate/describe.ts';
import { openGate, specOf, type GateState } from '../domain/gate/state.ts';
import { viewReview, type ReviewRecord } from '../domain/gate/view.ts';
import { Inbox } from './inbox.ts';
import { activities } from './local.ts';
import { getReview, SEARCH_ATTRIBUTES } from './messages.ts';
import { hasEnded, isStatus, STATUS, type EndedStatus } from '../domain/lifecycle.ts';
import { INVALID_CALL, isExecutionDenial, type Outcome } from '../domain/outcome.ts';
import { REVIEW_ID_PATTERN } from '../contract/constants.ts';

/** Shown in one line of a timeline. */
const TIMER_SUMMARY_BYTES = 200;

type Opened = Exclude<Classified, { kind: 'refused' }>;

/** One review as its workflow holds it. State changes only after the database has it. */
export class ReviewRun {
  record: ReviewRecord;
  /** Digest input of the revision before the current one, where an edit led to it. */
  previous: Material | null;
  /** Decision envelopes that carry the current revision. */
  carrying: readonly DsseEnvelope[];
  /** What is still ahead. */
  schedule: Schedule;
  readonly inbox: Inbox;
  readonly attested: boolean;
  readonly timeoutMs: number;
  readonly executeWithinMs: number;
  readonly pageUrl: string | null;
  readonly startedAt: number;
  readonly proposal: DsseEnvelope | null;
  readonly proposalDigest: string;

  constructor(snapshot: Snapshot, inbox: Inbox) {
    this.record = snapshot.record;
    this.previous = snapshot.previous;
    this.carrying = snapshot.carrying;
    this.schedule = snapshot.schedule;
    this.attested = snapshot.attested;
    this.timeoutMs = snapshot.timeoutMs;
    this.executeWithinMs = snapshot.executeWithinMs;
    this.pageUrl = snapshot.pageUrl ?? null;
    this.startedAt = snapshot.startedAt;
    this.proposal = snapshot.proposal;
    this.proposalDigest = snapshot.proposalDigest;
    this.inbox = inbox;
  }

  /** `proposal`: what the run was started with, as far as it is attested. */
  static open(opened: Opened, startedAt: number, inbox: Inbox, proposal: DsseEnvelope | null): ReviewRun {
    const { base, revision, allowed } = opened;
    const record: ReviewRecord = {
      base,
      revisions: [
        { ...revision, previewError: null, submittedAt: base.proposedAt, by: base.proposer.id, decisions: [] },
      ],
      gate: null,
      ungated: null,
      allowed,
      execution: { status: 'not_started', error: null, startedAt: null, finishedAt: null },
    };
    const { proposalDigest, timeoutMs, executeWithinMs, pageUrl = null } = opened;
    const snapshot: Snapshot = {
      record,
      attested: base.proposer.attested,
      timeoutMs,
      executeWithinMs,
      pageUrl,
      startedAt,
      proposal,
      proposalDigest,
      previous: null,
      carrying: [],
      schedule: revision.schedule,
      receipts: [],
    };
    return new ReviewRun(snapshot, inbox);
  }

  get reviewId(): string {
    return this.record.base.reviewId;
  }

  get current(): ReviewRecord['revisions'][number] {
    const current = this.record.revisions.at(-1);
    if (current === undefined) throw new RangeError('a review has at least one revision');
    return current;
  }

  get gate(): GateState | null {
    return this.record.gate;
  }

  get allowed(): readonly DecisionType[] {
    return this.record.allowed;
  }

  review(): Review {
    return viewReview(this.record);
  }

  /** Writes a change, then makes it the state. False: the ledger stands elsewhere, and `outcome` says where. */
  async commit(change: Change): Promise<RecordOutcome> {
    const result = await activities.record(writeChange(change, new Date(Date.now()).toISOString()));
    if (result.ok) this.adopt(change.record);
    return result;
  }

  /** Makes a record the state without writing it: the database has it already. */
  adopt(record: ReviewRecord): void {
    this.record = record;
    this.show();
  }

  /** Search attributes and details for the Temporal Web UI; a repeated value costs nothing. */
  show(): void {
    const review = this.review();
    setCurrentDetails(describeReview(review, Date.now(), this.pageUrl));
    const known = workflowInfo().typedSearchAttributes;
    const changed = [
      { key: SEARCH_ATTRIBUTES.status, value: review.status },
      { key: SEARCH_ATTRIBUTES.class, value: review.class ?? 'unknown' },
      { key: SEARCH_ATTRIBUTES.tool, value: review.call.tool.slice(0, 255) },
      { key: SEARCH_ATTRIBUTES.proposer, value: review.proposer.id.slice(0, 255) },
    ].filter(({ key, value }) => known.get(key) !== value);
    if (changed.length > 0) upsertSearchAttributes(changed);
  }

  /** What it waits for, as the summary of its timer. */
  waitingWords(): string {
    return clip(whereItStands(this.review(), Date.now()), TIMER_SUMMARY_BYTES);
  }

  snapshot(): Snapshot {
    const { inbox, ...state } = this;
    return { ...state, receipts: inbox.receipts };
  }
}

/** Everything of a review that outlives a run of its workflow: what continue-as-new carries. */
export type Snapshot = Pick<ReviewRun, 'record' | 'previous' | 'carrying' | 'schedule' | 'attested' | 'startedAt'> &
  Pick<ReviewRun, 'timeoutMs' | 'executeWithinMs' | 'proposal' | 'proposalDigest'> & {
    /** Absent in snapshots of before. */
    readonly pageUrl?: string | null;
    readonly receipts: Inbox['receipts'];
  };

/**
 * Opens the gate. `reopened`: the ledger row was open already (a reset), and what was recorded then may differ. Where
 * evidence came, the digest is known only now and `classified` is recorded with it.
 */
export async function openHeld(
  run: ReviewRun,
  revision: ClassifiedRevision,
  found: WithEvidence | null,
  reopened: boolean,
): Promise<void> {
  const complete = found === null ? revision : { ...revision, ...found };
  if (complete.digest === null) throw new TypeError('a held revision without a digest');
  const first = { ...run.current, ...complete, previewError: found?.previewError ?? null };
  const gate = openGate(specOf(complete.material, complete.digest, run.allowed));
  const record = { ...run.record, revisions: [first], gate };
  if (found === null && !reopened) {
    run.adopt(record);
  } else {
    await run.commit({
      key: `classified:${complete.digest}`,
      record,
      entries: [(base) => classifiedEntry(run.record.base, complete, 'pending', base.at)],
      materials: [complete.material],
    });
  }
}

/**
 * The target said that the call cannot work as it is: blocked before anyone is asked. False: the ledger stands elsewhere.
 */
export async function openInvalid(run: ReviewRun, revision: ClassifiedRevision, found: WithEvidence): Promise<boolean> {
  const at = Date.now();
  const { material, digest, previewError } = found;
  const complete = { ...revision, material, digest, gate: null, reasonCodes: [...INVALID_CALL] };
  const ungated = { status: 'blocked', at: new Date(at).toISOString() } as const;
  const revisions = [{ ...run.current, ...complete, previewError }];
  const { ok } = await run.commit({
    key: `classified:${digest}`,
    record: { ...run.record, revisions, ungated, allowed: [] },
    entries: [(base) => classifiedEntry(run.record.base, complete, 'blocked', base.at)],
    materials: [material],
    ledger: deny(run, INVALID_CALL[0], at),
  });
  return ok;
}

/**
 * The ledger had this review already: after a reset, a second start, or because it was settled elsewhere. Then
 * the ledger is right, and this run only repeats it. Nothing is written.
 */
export async function openFromLedger(run: ReviewRun, outcome: Outcome): Promise<void> {
  const at = outcome.deniedAt ?? outcome.execution.finishedAt ?? new Date(Date.now()).toISOString();
  const ungated = { status: statusOf(run, outcome), at };
  run.adopt({ ...run.record, gate: null, ungated, execution: outcome.execution });
}

function statusOf(run: ReviewRun, outcome: Outcome): EndedStatus {
  if (outcome.denial === null || isExecutionDenial(outcome.denial)) {
    return run.current.gate === 'hard' && outcome.isDirect !== true ? 'approved' : 'not_required';
  }
  if (outcome.denial === 'answered') return 'approved';
  const { denial } = outcome;
  return isStatus(denial) && hasEnded(denial) && STATUS[denial].answer === 'blocked' ? denial : 'blocked';
}

/**
 * Answers signals and the query from the first task on, and takes over the state of an earlier run. `current` is asked
 * with every query.
 *
 * @throws ApplicationFailure `review_id_invalid`: the workflow id is not `rev_<ULID>`.
 */
export function installHandlers(
  carried: Snapshot | undefined,
  current: () => ReviewRun | undefined,
): { readonly inbox: Inbox; readonly snapshot: Snapshot | undefined } {
  const { workflowId } = workflowInfo();
  if (!REVIEW_ID_PATTERN.test(workflowId)) {
    throw ApplicationFailure.nonRetryable(
      'The workflow id must be rev_ and a ULID of 26 characters (rev_<ULID>), such as rev_01ARZ3NDEKTSV4RRFFQ69G5FAV: newReviewId() of @holdpoint/client makes one',
      'review_id_invalid',
    );
  }
  const snapshot = carriedBy(carried, workflowId);
  const inbox = new Inbox(workflowId, snapshot?.receipts ?? []);
  inbox.listen();
  setHandler(getReview, () => ({
    review: current()?.review() ?? null,
    receipts: Object.fromEntries(inbox.receipts),
  }));
  return { inbox, snapshot };
}

/**
 * Anyone who starts a workflow can pass a second argument; only a run that continues another may take it. A foreign
 * workflow can still continue as ours and forge it: what this run shows is then a lie, and nothing more, because the execute worker trusts signatures and the record alone.
 */
function carriedBy(carried: Snapshot | undefined, workflowId: string): Snapshot | undefined {
  const isContinued = workflowInfo().continuedFromExecutionRunId !== undefined;
  return isContinued && carried?.record.base.reviewId === workflowId ? carried : undefined;
}

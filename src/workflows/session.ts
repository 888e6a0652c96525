import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { ReceiptCode } from '../contract/codes.ts';
import type { DsseEnvelope } from '../contract/envelope.ts';
import type { DecisionType, Material, Review } from '../contract/review.ts';
import type { Classified, RecordOutcome } from '../activities/api.ts';
import type { Schedule } from '../domain/deadline.ts';
import { writeChange, type Change } from '../domain/gate/change.ts';
import { describeReview } from '../domain/gate/describe.ts';
import type { GateState } from '../domain/gate/state.ts';
import { viewReview, type ReviewRecord } from '../domain/gate/view.ts';
import type { Inbox } from './inbox.ts';
import { gate } from './local.ts';
import { SEARCH_ATTRIBUTES } from './messages.ts';

type Opened = Exclude<Classified, { kind: 'refused' }>;

/** Everything of a review that outlives a run of its workflow: what continue-as-new carries. */
export interface Snapshot {
  readonly record: ReviewRecord;
  readonly attested: boolean;
  readonly timeoutMs: number;
  readonly executeWithinMs: number;
  readonly startedAt: number;
  readonly proposal: DsseEnvelope | null;
  readonly proposalDigest: string;
  /** Digest input of the revision before the current one, where an edit led to it. */
  readonly previous: Material | null;
  /** Decision envelopes that carry the current revision. */
  readonly carrying: readonly DsseEnvelope[];
  /** What is still ahead. */
  readonly schedule: Schedule;
  readonly receipts: readonly (readonly [string, ReceiptCode])[];
}

/** One review as its workflow holds it. State changes only after the database has it. */
export class Session {
  record: ReviewRecord;
  previous: Material | null;
  carrying: readonly DsseEnvelope[];
  schedule: Schedule;
  readonly inbox: Inbox;
  readonly attested: boolean;
  readonly timeoutMs: number;
  readonly executeWithinMs: number;
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
    this.startedAt = snapshot.startedAt;
    this.proposal = snapshot.proposal;
    this.proposalDigest = snapshot.proposalDigest;
    this.inbox = inbox;
  }

  static open(opened: Opened, startedAt: number, inbox: Inbox): Session {
    const { base, version, allowed } = opened;
    const record: ReviewRecord = {
      base,
      revisions: [
        { ...version, previewError: null, submittedAt: base.proposedAt, by: base.proposer.id, decisions: [] },
      ],
      gate: null,
      ungated: null,
      allowed,
      execution: { status: 'not_started', error: null, startedAt: null, finishedAt: null },
    };
    const { proposal, proposalDigest, timeoutMs, executeWithinMs } = opened;
    const snapshot: Snapshot = {
      record,
      attested: base.proposer.attested,
      timeoutMs,
      executeWithinMs,
      startedAt,
      proposal,
      proposalDigest,
      previous: null,
      carrying: [],
      schedule: version.schedule,
      receipts: [],
    };
    return new Session(snapshot, inbox);
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
    const result = await gate.record(writeChange(change, new Date(Date.now()).toISOString()));
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
    setCurrentDetails(describeReview(review, Date.now()));
    const known = workflowInfo().typedSearchAttributes;
    const changed = [
      { key: SEARCH_ATTRIBUTES.status, value: review.status },
      { key: SEARCH_ATTRIBUTES.class, value: review.class ?? 'unknown' },
      { key: SEARCH_ATTRIBUTES.tool, value: review.call.tool.slice(0, 255) },
      { key: SEARCH_ATTRIBUTES.proposer, value: review.proposer.id.slice(0, 255) },
    ].filter(({ key, value }) => known.get(key) !== value);
    if (changed.length > 0) upsertSearchAttributes(changed);
  }

  snapshot(): Snapshot {
    return {
      record: this.record,
      attested: this.attested,
      timeoutMs: this.timeoutMs,
      executeWithinMs: this.executeWithinMs,
      startedAt: this.startedAt,
      proposal: this.proposal,
      proposalDigest: this.proposalDigest,
      previous: this.previous,
      carrying: this.carrying,
      schedule: this.schedule,
      receipts: this.inbox.receipts,
    };
  }
}

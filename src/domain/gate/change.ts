import type { AuditEntry } from '../../contract/audit.ts';
import { viewReview, type ReviewBase, type ReviewRecord, type RevisionRecord } from './view.ts';
import type { DsseEnvelope } from '../../contract/envelope.ts';
import type { DecisionView, Material, Review } from '../../contract/review.ts';
import type { LedgerTransition } from '../ledger.ts';
import { decideVote, type Ruling } from './decide.ts';
import { evolve, type DecisionFact, type GateState } from './state.ts';

/** The part of a revision that the audit log keeps: names and digests, nothing that could be secret. */
type EntryRevision = Pick<RevisionRecord, 'material' | 'digest' | 'gate' | 'reasonCodes'> & {
  readonly override: boolean;
};

/** Fields that every entry of a review has. `at`: ISO 8601. */
export function entryOf(base: Pick<ReviewBase, 'deploymentId' | 'reviewId'>, at: string) {
  return { schemaVersion: 1, deploymentId: base.deploymentId, reviewId: base.reviewId, at } as const;
}

/** `at`: ISO 8601. */
export function proposedEntry(
  base: ReviewBase,
  revision: EntryRevision,
  proposalDigest: string,
  at: string,
): AuditEntry {
  return {
    ...entryOf(base, at),
    type: 'proposed',
    proposer: base.proposer.id,
    owner: base.proposer.owner,
    attested: base.proposer.attested,
    tool: revision.material.tool,
    proposalDigest,
  };
}

export function classifiedEntry(
  base: ReviewBase,
  revision: EntryRevision,
  status: 'pending' | 'not_required' | 'blocked',
  at: string,
): AuditEntry {
  return {
    ...entryOf(base, at),
    type: 'classified',
    revision: revision.material.revision,
    class: revision.material.class,
    gate: revision.gate,
    status,
    reasonCodes: [...revision.reasonCodes],
    digest: revision.digest,
    policyDigest: revision.material.policyDigest,
    override: revision.override,
  };
}

export type EntryBase = ReturnType<typeof entryOf>;

/** A signed message, as it is kept with its review. */
export interface StoredEnvelope {
  readonly kind: string;
  readonly envelope: DsseEnvelope;
}

/** What one commit adds to the record of a review. */
export interface Change {
  readonly record: ReviewRecord;
  readonly entries: readonly ((base: EntryBase) => AuditEntry)[];
  readonly ledger?: LedgerTransition;
  readonly envelopes?: readonly StoredEnvelope[];
  readonly materials?: readonly Material[];
  /** `ledger` settles the execution as `record` shows it. */
  readonly settlesExecution?: boolean;
  /** Makes a repeated commit harmless: unique for this review, e.g. a decision's ULID. */
  readonly key: string;
}

/** A change, ready to be written. */
export interface RecordInput {
  readonly key: string;
  readonly entries: readonly AuditEntry[];
  readonly review: Review;
  readonly envelopes: readonly StoredEnvelope[];
  readonly materials: readonly Material[];
  readonly ledger: LedgerTransition | null;
  /** The review's execution is settled by this very transition, and is to be shown so. */
  readonly settlesExecution?: boolean;
}

/** `at`: ISO 8601, of its entries. */
export function writeChange(change: Change, at: string): RecordInput {
  const base = entryOf(change.record.base, at);
  return {
    key: `${change.record.base.reviewId}:${change.key}`,
    entries: change.entries.map((entry) => entry(base)),
    review: viewReview(change.record),
    envelopes: (change.envelopes ?? []).map(({ kind, envelope }) => ({ kind, envelope })),
    materials: change.materials ?? [],
    ledger: change.ledger ?? null,
    settlesExecution: change.settlesExecution ?? false,
  };
}

/** A review that a vote is about. */
export interface Subject {
  readonly record: ReviewRecord;
  readonly proposalDigest: string;
}

/** A decision whose signature was verified. */
export interface Vote {
  readonly decisionUlid: string;
  readonly envelopeDigest: string;
  readonly channel: DecisionView['channel'];
  readonly decidedAt: string;
  readonly fact: DecisionFact;
}

/** Judges a decision other than an edit. `at`: epoch ms of its arrival. */
export function ruleOnVote({ record }: Pick<Subject, 'record'>, vote: Vote, at: number): Ruling {
  return record.gate === null ? { ok: false, code: 'already_resolved' } : decideVote(record.gate, vote.fact, at);
}

/** The change that an accepted vote makes: written where the vote is admitted, and the state from then on. */
export function voteChange(
  subject: Subject,
  vote: Vote,
  next: GateState,
  { envelope, at }: { readonly envelope: DsseEnvelope; readonly at: number },
): Change {
  const { record } = subject;
  return {
    key: admissionKey(vote.decisionUlid),
    record: { ...record, gate: next, revisions: withDecision(record.revisions, vote) },
    entries: [(base) => decidedEntry(base, vote, next)],
    ledger: ledgerAfter(subject, next, at),
    envelopes: [{ kind: 'decision', envelope }],
  };
}

/** The state after a ruling's events. */
export function stateAfter(state: GateState, { events }: Extract<Ruling, { ok: true }>): GateState {
  return events.reduce(evolve, state);
}

/** Idempotency key of what is admitted under this id, in the workflow or in the activity. */
export function admissionKey(decisionUlid: string): string {
  return `admitted:${decisionUlid}`;
}

export function withDecision(revisions: readonly RevisionRecord[], vote: Vote): readonly RevisionRecord[] {
  return revisions.map((revision, index) =>
    index === revisions.length - 1 ? { ...revision, decisions: [...revision.decisions, viewOf(vote)] } : revision,
  );
}

export function viewOf({ fact, channel, decidedAt }: Vote): DecisionView {
  const { decisionUlid, type, reviewer, level, revision, comment } = fact;
  return { decisionUlid, type, reviewer, channel, decidedAt, level, revision, comment };
}

export function decidedEntry(base: EntryBase, vote: Vote, next: GateState): AuditEntry {
  const { type, reviewer, revision, level, digest, decisionUlid } = vote.fact;
  return {
    ...base,
    type: 'decided',
    decisionUlid,
    decision: type,
    reviewer,
    channel: vote.channel,
    revision,
    level,
    digest,
    envelopeDigest: vote.envelopeDigest,
    status: statusAfter(next),
  };
}

function statusAfter(next: GateState): 'pending' | 'changes_requested' | 'approved' | 'rejected' {
  switch (next.tag) {
    case 'pending':
    case 'changes_requested':
    case 'approved':
    case 'rejected':
      return next.tag;
    default:
      return 'rejected';
  }
}

/**
 * A no is final in the ledger; so is the yes to a question, from which no call follows. ◆ Every other vote asks that the
 * row is open still (its deadline stays as it is): after a reset, a yes would otherwise be recorded behind a no.
 */
export function ledgerAfter(subject: Subject, next: GateState, at: number): LedgerTransition {
  if (next.tag === 'rejected') return deny(subject, 'rejected', at);
  if (next.tag === 'approved' && subject.record.base.kind === 'in-flow') return deny(subject, 'answered', at);
  return requireOpen(subject, next);
}

/** Succeeds only while the row is open; moves its deadline where this revision's is earlier. */
export function requireOpen({ record }: Pick<Subject, 'record'>, next: GateState): LedgerTransition {
  return { to: 'tighten', reviewId: record.base.reviewId, expiresAt: new Date(next.spec.expiresAt).toISOString() };
}

export function deny({ record, proposalDigest }: Subject, reason: string, at: number): LedgerTransition {
  return { to: 'deny', reviewId: record.base.reviewId, proposalDigest, reason, at: new Date(at).toISOString() };
}

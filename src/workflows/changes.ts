import type { AuditEntry } from '../contract/audit.ts';
import type { DecisionView } from '../contract/review.ts';
import type { LedgerTransition } from '../contract/store.ts';
import type { Admitted } from '../activities/api.ts';
import { classifiedEntry } from '../core/gate/entries.ts';
import type { GateState } from '../core/gate/state.ts';
import type { RevisionRecord } from '../core/gate/view.ts';
import type { Change, Session } from './session.ts';
import type { Complete } from './versions.ts';

type Decision = Extract<Admitted, { kind: 'decision' }>;

/** The change to a new version. `edit`: the decision that brought it; it is shown where its yes counts. */
export function revisedChange(
  session: Session,
  next: GateState,
  complete: Complete | undefined,
  by: string,
  edit: Decision | null,
): Pick<Change, 'record' | 'ledger' | 'materials'> {
  if (complete === undefined) throw new TypeError('a ruling without a version');
  const { version, digest, previewError } = complete;
  const revision: RevisionRecord = {
    material: version.material,
    digest,
    gate: 'hard',
    reasonCodes: version.reasonCodes,
    previewError,
    submittedAt: new Date(Date.now()).toISOString(),
    by,
    // Wherever the editor stood, the yes to the new version is one on its first level.
    decisions: edit !== null && counts(next) ? [{ ...viewOf(edit), level: 1 }] : [],
  };
  const revisions = edit === null ? session.record.revisions : withDecision(session.record.revisions, edit);
  return {
    record: { ...session.record, gate: next, revisions: [...revisions.map(forgetArguments), revision] },
    ledger: stayOpen(session, next),
    materials: [version.material],
  };
}

/** Older versions are shown by digest; the database keeps what they were. */
function forgetArguments(revision: RevisionRecord): RevisionRecord {
  return { ...revision, material: { ...revision.material, arguments: {}, target: null, evidence: null } };
}

export function withDecision(revisions: readonly RevisionRecord[], fact: Decision): readonly RevisionRecord[] {
  return revisions.map((revision, index) =>
    index === revisions.length - 1 ? { ...revision, decisions: [...revision.decisions, viewOf(fact)] } : revision,
  );
}

function viewOf(decision: Decision): DecisionView {
  const { decisionUlid, type, reviewer, level, revision, comment } = decision.fact;
  return {
    decisionUlid,
    type,
    reviewer,
    channel: decision.channel,
    decidedAt: decision.decidedAt,
    level,
    revision,
    comment,
  };
}

/** Whether the editor's yes stands on the new version. */
function counts(next: GateState): boolean {
  return next.tag === 'approved' || (next.tag === 'pending' && next.votes.length > 0);
}

type EntryBase = Parameters<Change['entries'][number]>[0];

export function decidedEntry(base: EntryBase, fact: Decision, next: GateState): AuditEntry {
  const { type, reviewer, revision, level, digest, decisionUlid } = fact.fact;
  return {
    ...base,
    type: 'decided',
    decisionUlid,
    decision: type,
    reviewer,
    channel: fact.channel,
    revision,
    level,
    digest,
    envelopeDigest: fact.envelopeDigest,
    status: statusAfter(next),
  };
}

export function revisedEntry(base: EntryBase, next: GateState, by: string, envelopeDigest: string): AuditEntry {
  return { ...base, type: 'revised', revision: next.spec.revision, by, envelopeDigest };
}

export function classifiedAgain(session: Session, at: string, complete: Complete | undefined): AuditEntry {
  if (complete === undefined) throw new TypeError('a ruling without a version');
  return classifiedEntry(session.record.base, { ...complete.version, gate: 'hard' }, 'pending', at);
}

function statusAfter(next: GateState): 'pending' | 'changes_requested' | 'approved' | 'rejected' {
  switch (next.tag) {
    case 'pending':
    case 'changes_requested':
    case 'approved':
    case 'rejected':
      return next.tag;
    case 'expired':
    case 'withdrawn':
    case 'aborted':
      return 'rejected';
    default:
      return next satisfies never;
  }
}

/**
 * A no is final in the ledger; so is the yes to a question, from which no call follows. ◆ Every other vote asks that the
 * row is open still (its deadline stays as it is): after a reset, a yes would otherwise be recorded behind a no.
 */
export function ledgerAfter(session: Session, next: GateState, at: number): LedgerTransition {
  if (next.tag === 'rejected') return deny(session, 'rejected', at);
  if (next.tag === 'approved' && session.record.base.kind === 'in-flow') return deny(session, 'answered', at);
  return stayOpen(session, next);
}

/** Succeeds only while the row is open; moves its deadline where this version's is earlier. */
function stayOpen(session: Session, next: GateState): LedgerTransition {
  return { to: 'tighten', reviewId: session.reviewId, expiresAt: new Date(next.spec.expiresAt).toISOString() };
}

export function deny(session: Session, reason: string, at: number): LedgerTransition {
  return {
    to: 'deny',
    reviewId: session.reviewId,
    proposalDigest: session.proposalDigest,
    reason,
    at: new Date(at).toISOString(),
  };
}

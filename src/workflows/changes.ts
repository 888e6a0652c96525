import type { AuditEntry } from '../contract/audit.ts';
import type { Admitted } from '../activities/api.ts';
import { classifiedEntry, ledgerAfter, viewOf, withDecision, type Change } from '../domain/gate/change.ts';
import type { GateState } from '../domain/gate/state.ts';
import type { RevisionRecord } from '../domain/gate/view.ts';
import type { Session } from './session.ts';
import type { Complete } from './versions.ts';

type Decision = Extract<Admitted, { kind: 'decision' }>;

/** The change to a new version. `edit`: the decision that brought it; it is shown where its yes counts. */
export function revisedChange(
  session: Session,
  next: GateState,
  complete: Complete | undefined,
  by: string,
  edit: Decision | null,
  at: number,
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
    ledger: ledgerAfter(session, next, at),
    materials: [version.material],
  };
}

/** Older versions are shown by digest; the database keeps what they were. */
function forgetArguments(revision: RevisionRecord): RevisionRecord {
  return { ...revision, material: { ...revision.material, arguments: {}, target: null, evidence: null } };
}

/** Whether the editor's yes stands on the new version. */
function counts(next: GateState): boolean {
  return next.tag === 'approved' || (next.tag === 'pending' && next.votes.length > 0);
}

type EntryBase = Parameters<Change['entries'][number]>[0];

export function revisedEntry(base: EntryBase, next: GateState, by: string, envelopeDigest: string): AuditEntry {
  return { ...base, type: 'revised', revision: next.spec.revision, by, envelopeDigest };
}

export function classifiedAgain(session: Session, at: string, complete: Complete | undefined): AuditEntry {
  if (complete === undefined) throw new TypeError('a ruling without a version');
  return classifiedEntry(session.record.base, { ...complete.version, gate: 'hard' }, 'pending', at);
}

import type { Version, WithEvidence } from '../activities/api.ts';
import { classifiedEntry } from '../domain/gate/change.ts';
import { openGate, specOf } from '../domain/gate/state.ts';
import { hasEnded, isStatus, STATUS, type EndedStatus } from '../domain/lifecycle.ts';
import { isExecutionDenial, type Outcome } from '../domain/outcome.ts';
import type { Session } from './session.ts';

/**
 * Opens the gate. `reopened`: the ledger row was open already (a reset), and what was recorded then may differ. Where evidence came, the digest is known only now and `classified` is recorded with it.
 */
export async function openHeld(
  session: Session,
  version: Version,
  found: WithEvidence | null,
  reopened: boolean,
): Promise<void> {
  const complete = found === null ? version : { ...version, material: found.material, digest: found.digest };
  if (complete.digest === null) throw new TypeError('a held version without a digest');
  const revision = { ...session.current, ...complete, previewError: found?.previewError ?? null };
  const gate = openGate(specOf(complete.material, complete.digest, session.allowed));
  const record = { ...session.record, revisions: [revision], gate };
  if (found === null && !reopened) {
    session.adopt(record);
  } else {
    await session.commit({
      key: `classified:${complete.digest}`,
      record,
      entries: [(base) => classifiedEntry(session.record.base, complete, 'pending', base.at)],
      materials: [complete.material],
    });
  }
}

/**
 * The ledger had this review already: after a reset, a second start, or because somebody else settled it. Then the
 * ledger is right and this run only tells what it says. Nothing is written.
 */
export async function openFromLedger(session: Session, outcome: Outcome): Promise<void> {
  const at = outcome.deniedAt ?? outcome.execution.finishedAt ?? new Date(Date.now()).toISOString();
  const ungated = { status: statusOf(session, outcome), at };
  session.adopt({ ...session.record, gate: null, ungated, execution: outcome.execution });
}

function statusOf(session: Session, outcome: Outcome): EndedStatus {
  if (outcome.denial === null || isExecutionDenial(outcome.denial)) {
    return session.current.gate === 'hard' ? 'approved' : 'not_required';
  }
  if (outcome.denial === 'answered') return 'approved';
  const { denial } = outcome;
  return isStatus(denial) && hasEnded(denial) && STATUS[denial].answer === 'blocked' ? denial : 'blocked';
}

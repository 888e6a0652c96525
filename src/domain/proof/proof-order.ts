import type { AuditEntry, IndexedEntry } from '../../contract/audit.ts';
import type { ProofFinding } from './proof-findings.ts';

interface Past {
  proposed: boolean;
  classified: boolean;
  denied: boolean;
  started: boolean;
  unknown: boolean;
  settled: boolean;
  finished: boolean;
}

/** Whether entries can have happened in this order. Times are not judged: several machines wrote them. */
export function checkOrder(entries: readonly IndexedEntry[]): readonly ProofFinding[] {
  const past: Past = {
    proposed: false,
    classified: false,
    denied: false,
    started: false,
    unknown: false,
    settled: false,
    finished: false,
  };
  const findings: ProofFinding[] = [];
  let last = -1;
  for (const { index, entry } of entries) {
    if (entry.type === 'started' && past.denied) findings.push({ code: 'denied_but_started', index });
    else if (index <= last || !follows(entry, past)) findings.push({ code: 'order_broken', index });
    last = index;
    remember(entry, past);
  }
  return findings;
}

function follows(entry: AuditEntry, past: Past): boolean {
  switch (entry.type) {
    case 'proposed':
      return !past.proposed;
    case 'classified':
    case 'aborted':
    case 'notified':
      return past.proposed;
    case 'decided':
    case 'revised':
      return past.classified && !past.denied && !past.started;
    case 'objected':
    case 'withdrawn':
    case 'expired':
      return past.proposed && !past.denied && !past.started;
    case 'started':
      return past.classified && !past.settled && (!past.started || entry.resend);
    case 'finished':
      // A call that never started can end as failed: nobody ran it in time, or it had become another call.
      if (past.finished) return false;
      // What the target said after a person had settled it is put on record as well.
      if (past.settled) return entry.late;
      return past.started ? entry.late === past.unknown : entry.status === 'failed';
    case 'unknown':
      return past.started && !past.settled && !past.unknown;
    case 'reconciled':
      return past.unknown && !past.settled;
    case 'policy_changed':
      return false;
    default:
      return entry satisfies never;
  }
}

function remember(entry: AuditEntry, past: Past): void {
  switch (entry.type) {
    case 'proposed':
      past.proposed = true;
      return;
    case 'classified':
      past.classified = true;
      past.denied ||= entry.status === 'blocked';
      return;
    case 'decided':
      past.denied ||= entry.status === 'rejected' || entry.decision === 'reject';
      return;
    case 'objected':
    case 'withdrawn':
    case 'expired':
      past.denied = true;
      return;
    case 'aborted':
      past.denied ||= !past.started;
      return;
    case 'started':
      past.started = true;
      return;
    case 'unknown':
      past.unknown = true;
      return;
    case 'finished':
      past.settled = true;
      past.finished = true;
      return;
    case 'reconciled':
      past.settled = true;
      return;
    case 'notified':
    case 'revised':
    case 'policy_changed':
      return;
    default:
      entry satisfies never;
  }
}

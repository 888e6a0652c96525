import type { AuditEntry, AuditEntryType } from '../../contract/audit.ts';
import { DECISION_WORDS, executionErrorWords, reasonWords } from '../ui/words.ts';

export const TYPE_WORDS: Readonly<Record<AuditEntryType, string>> = {
  proposed: 'Proposed',
  classified: 'Classified',
  notified: 'People told',
  decided: 'Decided',
  revised: 'Revised',
  withdrawn: 'Withdrawn',
  expired: 'Expired',
  aborted: 'Aborted',
  started: 'Call started',
  finished: 'Call finished',
  unknown: 'Outcome unknown',
  reconciled: 'Reconciled',
  policy_changed: 'Policy changed',
};

/** One line about an entry. Names in it come from outside: draw it with `<Visible>`. */
export function entryWords(entry: AuditEntry): string {
  switch (entry.type) {
    case 'proposed':
      return `${entry.proposer} proposed ${entry.tool}${entry.attested ? '' : ' (not attested)'}`;
    case 'classified':
      return [entry.class ?? 'no class', entry.gate === null ? 'no gate' : `${entry.gate} gate`]
        .concat(entry.reasonCodes.map(reasonWords))
        .join(', ');
    case 'notified':
      return `${entry.event} by ${entry.channel} to ${entry.recipients.join(', ') || 'nobody'}`;
    case 'decided':
      return `${entry.reviewer} ${DECISION_WORDS[entry.decision]} (version ${entry.revision}, level ${entry.level}, by ${entry.channel})`;
    case 'revised':
      return `${entry.by} sent version ${entry.revision}`;
    case 'withdrawn':
      return `${entry.by} took it back`;
    case 'expired':
      return 'Nobody decided in time';
    case 'aborted':
      return entry.reason;
    case 'started':
      return `version ${entry.revision}${entry.resend ? ', sent again' : ''}`;
    case 'finished':
      return `${entry.status}${entry.late ? ', late' : ''}${entry.errorCode === null ? '' : `: ${executionErrorWords(entry.errorCode)}`}`;
    case 'unknown':
      return executionErrorWords(entry.errorCode);
    case 'reconciled':
      return `${entry.by} established: ${entry.outcome}`;
    case 'policy_changed':
      return `now ${entry.policyDigest.slice(0, 19)}…`;
    default:
      return entry satisfies never;
  }
}

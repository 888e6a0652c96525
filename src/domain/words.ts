import type { AuditEntry } from '../contract/audit.ts';
import { EXECUTION_ERRORS, REASONS } from '../contract/codes.ts';
import type { DecisionType, ReviewRow } from '../contract/review.ts';

/** What codes and entries of the log say in words: the page shows it, and the log is searched for it. */

export const DECISION_WORDS: Readonly<Record<DecisionType, string>> = {
  approve: 'approved',
  edit: 'approved with changes',
  reject: 'rejected',
  revise: 'requested changes',
  respond: 'answered',
};

/** A reason code in words; a reason that a policy defines is returned as it is. */
export function reasonWords(code: string): string {
  return Object.hasOwn(REASONS, code) ? REASONS[code as keyof typeof REASONS] : code;
}

/** Where a list has room for a few words; all others are short enough, or a policy's own. */
const SHORT_REASONS: Partial<Record<string, string>> = {
  'irreversible-tool': 'cannot be undone',
  'sensitive-tool': 'sensitive tool',
  held_by_policy: 'held by policy',
  sensitive_limit: 'too many in the last hour',
  owner_unknown: 'no owner',
  rule_error: 'a rule failed',
  policy_error: 'the policy failed',
  context_not_pinned: 'context not pinned',
  unattested: 'not signed',
  not_plain_select: 'not a plain SELECT',
  upstream_changed: 'the upstream tool changed',
  upstream_unlisted: 'unknown to its server',
  unlisted_tool: 'not in the policy',
};

/** Why a review is held, in a few words: what a rule of the policy says tells more than the class of the tool. */
export function shortReasons({ kind, reasonCodes }: Pick<ReviewRow, 'kind' | 'reasonCodes'>): string {
  if (kind === 'in-flow') return 'a workflow asks';
  const byPolicy = reasonCodes.filter((code) => !Object.hasOwn(REASONS, code));
  const codes = byPolicy.length > 0 ? byPolicy : reasonCodes;
  return codes.map((code) => SHORT_REASONS[code] ?? reasonWords(code)).join(', ');
}

export function executionErrorWords(code: string): string {
  return Object.hasOwn(EXECUTION_ERRORS, code) ? EXECUTION_ERRORS[code as keyof typeof EXECUTION_ERRORS] : code;
}

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
      return `${entry.event} by ${entry.channel} to ${entry.recipients.join(', ') || 'no one'}`;
    case 'decided':
      return `${entry.reviewer} ${DECISION_WORDS[entry.decision]} (version ${entry.revision}, level ${entry.level}, by ${entry.channel})`;
    case 'objected':
      return `${entry.reviewer} stopped it before it ran (version ${entry.revision}, by ${entry.channel})`;
    case 'revised':
      return `${entry.by} sent version ${entry.revision}`;
    case 'withdrawn':
      return `${entry.by} withdrew it`;
    case 'expired':
      return 'no decision was made in time';
    case 'aborted':
      return entry.reason;
    case 'started':
      return `version ${entry.revision}${entry.resend ? ', sent again' : ''}`;
    case 'deferred':
      return `${executionErrorWords(entry.errorCode)}; not again before ${entry.retryAt}`;
    case 'finished':
      return `${entry.status}${entry.late ? ', late' : ''}${entry.errorCode === null ? '' : `: ${executionErrorWords(entry.errorCode)}`}`;
    case 'unknown':
      return executionErrorWords(entry.errorCode);
    case 'reconciled':
      return `${entry.by} established: ${entry.outcome}`;
    case 'policy_changed':
      return `in force now: ${entry.policyDigest.slice(0, 19)}…`;
    case 'restored':
      return `${entry.by} accepted a restored database: ${entry.why}`;
    case 'frozen':
      return `${entry.by} froze ${entry.tools.join(', ')} (${entry.freezeId}, by ${entry.channel})`;
    case 'lifted':
      return `${entry.by} lifted ${entry.freezeId} (by ${entry.channel})`;
    default:
      return entry satisfies never;
  }
}

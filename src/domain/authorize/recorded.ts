import type { AuditEntry } from '../../contract/audit.ts';

/** What the audit log says of a review's decisions. */
export interface RecordedDecisions {
  /** The gate let the call through without a decision. */
  readonly isFree: boolean;
  /** The version of the call that the gate was last at. */
  readonly revision: number;
  /** A no, or a request for changes that no new version has answered, stands against it. */
  readonly isBarred: boolean;
  /** Digests of the decision envelopes that the gate admitted. */
  readonly admitted: ReadonlySet<string>;
}

/**
 * Reads which decisions the gate admitted, and on which version it stands. A signature alone does not tell: an envelope
 * may have been signed and then refused (too late, a second vote, on a version that an edit had just replaced), and
 * whoever reads Temporal has it all the same.
 */
export function readRecordedDecisions(entries: readonly AuditEntry[]): RecordedDecisions {
  let revision = 1;
  let isFree = false;
  let isBarred = false;
  const admitted = new Set<string>();
  for (const entry of entries) {
    switch (entry.type) {
      case 'decided':
        admitted.add(entry.envelopeDigest);
        isBarred ||= entry.decision === 'reject' || entry.decision === 'revise';
        break;
      case 'revised':
        revision = entry.revision;
        isBarred = false;
        break;
      case 'objected':
      case 'withdrawn':
      case 'expired':
      case 'aborted':
        isBarred = true;
        break;
      case 'classified':
        isFree = entry.status === 'not_required';
        break;
      case 'proposed':
      case 'notified':
      case 'started':
      case 'finished':
      case 'unknown':
      case 'reconciled':
      case 'policy_changed':
        break;
      default:
        entry satisfies never;
    }
  }
  return { isFree, revision, isBarred, admitted };
}

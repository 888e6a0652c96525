import type { AuditEntry } from '../../contract/audit.ts';
import type { ReviewBase, RevisionRecord } from './view.ts';

/** The part of a version that the audit log keeps: names and digests, nothing that could be secret. */
type EntryVersion = Pick<RevisionRecord, 'material' | 'digest' | 'gate' | 'reasonCodes'> & {
  readonly override: boolean;
};

/** Fields that every entry of a review has. `at`: ISO 8601. */
export function entryOf(base: Pick<ReviewBase, 'deploymentId' | 'reviewId'>, at: string) {
  return { schemaVersion: 1, deploymentId: base.deploymentId, reviewId: base.reviewId, at } as const;
}

/** `at`: ISO 8601. */
export function proposedEntry(base: ReviewBase, version: EntryVersion, proposalDigest: string, at: string): AuditEntry {
  return {
    ...entryOf(base, at),
    type: 'proposed',
    proposer: base.proposer.id,
    owner: base.proposer.owner,
    attested: base.proposer.attested,
    tool: version.material.tool,
    proposalDigest,
  };
}

export function classifiedEntry(
  base: ReviewBase,
  version: EntryVersion,
  status: 'pending' | 'not_required' | 'blocked',
  at: string,
): AuditEntry {
  return {
    ...entryOf(base, at),
    type: 'classified',
    revision: version.material.revision,
    class: version.material.class,
    gate: version.gate,
    status,
    reasonCodes: [...version.reasonCodes],
    digest: version.digest,
    policyDigest: version.material.policyDigest,
    override: version.override,
  };
}

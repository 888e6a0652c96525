import type { AuditEntry } from '../../src/contract/audit.ts';
import type { Store } from '../../src/ports/store.ts';
import {
  AT,
  claiming,
  DIGEST,
  proposal,
  proposedEntry,
  reviewOf,
  stateWrite,
} from '../../test/support/storage-fixtures.ts';

function entry(reviewId: string, type: 'started' | 'finished' | 'decided' | 'classified'): AuditEntry {
  const base = { schemaVersion: 1 as const, deploymentId: 'bench', at: AT, reviewId };
  switch (type) {
    case 'classified':
      return {
        ...base,
        type,
        revision: 1,
        class: 'irreversible',
        gate: 'hard',
        status: 'pending',
        reasonCodes: [],
        digest: DIGEST,
        policyDigest: DIGEST,
        override: false,
      };
    case 'decided':
      return {
        ...base,
        type,
        decisionUlid: reviewId.slice(4),
        decision: 'approve',
        reviewer: 'ops-1',
        channel: 'api',
        revision: 1,
        level: 1,
        digest: DIGEST,
        envelopeDigest: DIGEST,
        status: 'approved',
      };
    case 'started':
      return { ...base, type, revision: 1, digest: DIGEST, policyDigest: DIGEST, resend: false };
    case 'finished':
      return { ...base, type, status: 'executed', errorCode: null, resultDigest: DIGEST, late: false };
    default:
      return type satisfies never;
  }
}

/** What storage does for one hard gate: proposed and classified; decided; claimed; finished. */
export async function commitGate(store: Store, reviewId: string): Promise<void> {
  const envelope = {
    kind: 'decision',
    envelope: {
      payload: 'x'.repeat(800),
      payloadType: 'application/vnd.holdpoint.decision.v1+json',
      signatures: [{ sig: 'y'.repeat(88) }],
    },
  };
  await store.commit({
    ...proposal(reviewId),
    key: `p:${reviewId}`,
    entries: [proposedEntry(reviewId), entry(reviewId, 'classified')],
  });
  const approved = reviewOf(reviewId, { status: 'approved', level: 0, resolvedAt: AT });
  await store.commit({
    key: `d:${reviewId}`,
    entries: [entry(reviewId, 'decided')],
    review: { ...stateWrite(approved), envelopes: [envelope, envelope] } as never,
  });
  await store.commit({
    ledger: claiming(reviewId),
    entries: [entry(reviewId, 'started')],
    review: {
      kind: 'execution',
      reviewId,
      execution: { status: 'executing', error: null, startedAt: AT, finishedAt: null },
    },
  });
  await store.commit({
    ledger: { to: 'finish', reviewId, token: 'token-1', state: 'done', outcome: { error: null, finishedAt: AT } },
    entries: [entry(reviewId, 'finished')],
    review: {
      kind: 'execution',
      reviewId,
      execution: { status: 'executed', error: null, startedAt: AT, finishedAt: AT },
    },
  });
}

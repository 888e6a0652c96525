import { NOT_STARTED, type Review } from '../../src/contract/review.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { LedgerTransition } from '../../src/domain/ledger.ts';
import type { CallBinding } from '../../src/ports/proposed-calls.ts';
import type { Commit } from '../../src/ports/store.ts';
import { materialOf } from './materials.ts';

/** Made-up reviews, entries and commits for tests and measurements of storage. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
export const AT = '2026-04-01T12:00:00.000Z';
export const LATER = '2026-04-01T13:00:00.000Z';
export const DIGEST = `sha256:${'a'.repeat(64)}`;
export const OTHER_DIGEST = `sha256:${'b'.repeat(64)}`;

/** The n-th review id; ids of different `series` never meet. */
export function reviewIdOf(n: number, series = 0): string {
  let digits = '';
  for (let rest = n; digits.length < 12; rest = Math.floor(rest / 32)) digits = (ALPHABET[rest % 32] ?? '0') + digits;
  return `rev_01J${ALPHABET[series] ?? '0'}0000000000${digits}`;
}

export function reviewOf(reviewId: string, over: Partial<Review> = {}): Review {
  return {
    reviewId,
    decisionId: reviewId.replace('rev_', 'dec_'),
    deploymentId: 'test',
    kind: 'call',
    status: 'pending',
    class: 'irreversible',
    gate: 'hard',
    reasonCodes: ['irreversible-tool'],
    call: { service: 'github', tool: 'github.repos.delete', arguments: { owner: 'acme', repo: 'old' }, digest: DIGEST },
    target: { connector: 'github', request: { method: 'DELETE', url: 'https://api.github.com/repos/acme/old' } },
    revision: 1,
    revisions: [],
    levels: [{ name: 'approval', approvers: ['ops'], quorum: 1, escalation: null, status: 'open', decisions: [] }],
    level: 1,
    separationOfDuties: false,
    policyDigest: DIGEST,
    allowedDecisions: ['approve', 'edit', 'reject', 'revise'],
    proposer: { id: 'cleanup-agent', owner: 'ops-1', attested: true },
    reason: 'no longer used',
    context: { env: 'production' },
    threadId: null,
    group: null,
    callback: null,
    evidence: [{ facts: [{ name: 'stars', label: 'Stars', value: 12 }], sourceHash: DIGEST, gatheredAt: AT }],
    previewError: null,
    title: null,
    proposedAt: AT,
    expiresAt: LATER,
    resolvedAt: null,
    resolution: null,
    feedback: null,
    execution: NOT_STARTED,
    workflow: { workflowId: reviewId, runId: 'run', url: null },
    ...over,
  };
}

export function proposedEntry(
  reviewId: string,
  over: Partial<Extract<AuditEntry, { type: 'proposed' }>> = {},
): AuditEntry {
  return {
    schemaVersion: 1,
    deploymentId: 'test',
    at: AT,
    type: 'proposed',
    reviewId,
    proposer: 'cleanup-agent',
    owner: 'ops-1',
    attested: true,
    tool: 'github.repos.delete',
    proposalDigest: DIGEST,
    ...over,
  };
}

export function opening(reviewId: string, proposalDigest = DIGEST): LedgerTransition {
  return { to: 'open', reviewId, proposalDigest, at: AT, expiresAt: LATER };
}

export function claiming(reviewId: string, token = 'token-1', objections = 0): LedgerTransition {
  return {
    to: 'claim',
    reviewId,
    token,
    at: AT,
    sendBy: LATER,
    settledBy: LATER,
    digest: DIGEST,
    idempotencyKey: null,
    objections,
    freezeVersion: 0,
  };
}

/** What the execute worker commits for a call without a workflow. */
export function beginning(reviewId: string, over: Partial<Review> = {}, token = 'token-1') {
  const common = { schemaVersion: 1, deploymentId: 'test', at: AT, reviewId } as const;
  const { objections: _none, ...claim } = claiming(reviewId, token) as Extract<LedgerTransition, { to: 'claim' }>;
  const review = reviewOf(reviewId, {
    status: 'not_required',
    class: 'reversible',
    gate: 'none',
    levels: [],
    level: 0,
    resolvedAt: AT,
    expiresAt: null,
    execution: { ...NOT_STARTED, status: 'executing', startedAt: AT },
    workflow: null,
    ...over,
  });
  return {
    ledger: { ...claim, to: 'begin', proposalDigest: DIGEST },
    entries: [
      proposedEntry(reviewId),
      {
        ...common,
        type: 'classified',
        revision: 1,
        class: 'reversible',
        gate: 'none',
        status: 'not_required',
        reasonCodes: [],
        digest: DIGEST,
        policyDigest: DIGEST,
        override: false,
      },
      { ...common, type: 'started', revision: 1, digest: DIGEST, policyDigest: DIGEST, resend: false },
    ],
    review: {
      kind: 'state',
      review,
      envelopes: [{ kind: 'proposal', envelope: { payload: '', payloadType: 'x', signatures: [{ sig: '' }] } }],
      materials: [materialOf({ reviewId, class: 'reversible', levels: [], expiresAt: null })],
    },
  } satisfies Commit;
}

export function stateWrite(review: Review): NonNullable<Commit['review']> {
  return { kind: 'state', review, envelopes: [], materials: [] };
}

/** What a gate commits first: a ledger row, an entry, and a state to show. */
export function proposal(reviewId: string, over: Partial<Review> = {}): Commit {
  return {
    ledger: opening(reviewId),
    entries: [proposedEntry(reviewId)],
    review: stateWrite(reviewOf(reviewId, over)),
  };
}

/** Binds a key of its own, unless told otherwise. */
export function bindingOf(reviewId: string, over: Partial<CallBinding> = {}): CallBinding {
  return { proposer: 'cleanup-agent', reviewId, attach: false, taken: [], at: AT, ...over };
}

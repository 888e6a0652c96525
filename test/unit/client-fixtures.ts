import type { Review } from '../../src/contract/review.ts';

/** Approved, and not claimed yet: a no still stops it. */
export const APPROVED_NOT_RUN: Partial<Review> = {
  status: 'approved',
  allowedDecisions: ['reject'],
  resolvedAt: '2026-04-01T12:00:05.000Z',
};

/** A no arrived between the last yes and the claim. */
export const STOPPED: Partial<Review> = {
  ...APPROVED_NOT_RUN,
  allowedDecisions: [],
  execution: {
    status: 'failed',
    error: { code: 'stopped', message: 'A reviewer stopped it before it ran' },
    startedAt: null,
    finishedAt: '2026-04-01T12:00:06.000Z',
    stopped: { by: 'ops-2', comment: 'the wrong table', at: '2026-04-01T12:00:06.000Z' },
  },
};

export const DEFERRED: Partial<Review> = {
  ...APPROVED_NOT_RUN,
  execution: {
    status: 'not_started',
    error: null,
    startedAt: null,
    finishedAt: null,
    deferred: {
      code: 'upstream_rejected',
      message: 'The target answered 429, and asks to wait 20 s (Retry-After)',
      upstreamStatus: 429,
      at: '2026-04-01T12:00:06.000Z',
      retryAt: '2026-04-01T12:00:26.000Z',
      times: 2,
    },
  },
};

/** A pending hard-gated review of one call, for tests that need some review. */
export function aReview(change: Partial<Review> = {}): Review {
  const digest = `sha256:${'ab'.repeat(32)}`;
  return {
    reviewId: 'rev_01J00000000000000000000000',
    decisionId: 'dec_01J00000000000000000000000',
    deploymentId: 'demo',
    kind: 'call',
    status: 'pending',
    class: 'irreversible',
    gate: 'hard',
    reasonCodes: [],
    call: { service: 'postgres', tool: 'postgres.execute', arguments: { sql: 'DELETE FROM users' }, digest },
    target: { connector: 'postgres', request: { sql: 'DELETE FROM users', params: [] } },
    revision: 1,
    revisions: [],
    levels: [{ name: 'approval', approvers: ['ops'], quorum: 1, escalation: null, status: 'open', decisions: [] }],
    level: 1,
    separationOfDuties: false,
    policyDigest: digest,
    allowedDecisions: ['approve', 'edit', 'reject', 'revise'],
    proposer: { id: 'demo-agent', owner: 'ops-1', attested: true },
    reason: null,
    context: {},
    threadId: null,
    group: null,
    callback: null,
    evidence: [],
    previewError: null,
    title: null,
    proposedAt: '2026-04-01T12:00:00.000Z',
    expiresAt: '2026-04-02T12:00:00.000Z',
    resolvedAt: null,
    resolution: null,
    feedback: null,
    execution: { status: 'not_started', error: null, startedAt: null, finishedAt: null },
    workflow: { workflowId: 'rev_01J00000000000000000000000', runId: 'run', url: null },
    ...change,
  };
}

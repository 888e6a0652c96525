import type { DecisionPayload } from '../../src/contract/envelope.ts';
import type { Level, Material } from '../../src/contract/review.ts';

/** Digest inputs and decisions made by hand, for tests of the pure core. */
export const DEPLOYMENT_ID = 'test-deployment';
export const REVIEW_ID = 'rev_01JZZZZZZZZZZZZZZZZZZZZZZZ';
export const OTHER_REVIEW_ID = 'rev_01JZZZZZZZZZZZZZZZZZZZZZZY';
export const NOON = Date.parse('2026-04-01T12:00:00.000Z');
export const HOUR = 3_600_000;

export const iso = (ms: number): string => new Date(ms).toISOString();

export function levelOf(group: string, quorum = 1, escalation: Level['escalation'] = null): Level {
  return { name: group, approvers: [group], quorum, escalation };
}

export function materialOf(over: Partial<Material> = {}): Material {
  return {
    schemaVersion: 1,
    deploymentId: DEPLOYMENT_ID,
    reviewId: REVIEW_ID,
    revision: 1,
    kind: 'call',
    proposer: 'agent-1',
    owner: 'ops-3',
    service: 'payouts',
    tool: 'payouts.close',
    arguments: { id: 'a-1' },
    target: { connector: 'payouts', request: { method: 'DELETE', url: 'https://payouts.example.com/accounts/a-1' } },
    evidence: null,
    context: { env: 'production' },
    class: 'irreversible',
    levels: [levelOf('ops')],
    separationOfDuties: false,
    expiresAt: iso(NOON + 24 * HOUR),
    policyDigest: `sha256:${'0'.repeat(64)}`,
    ...over,
  };
}

let counter = 0;

/** An approval by `ops-1` at noon, on whatever digest is given. */
export function decisionOf(
  digest: string,
  over: Partial<DecisionPayload> & { readonly by?: string } = {},
): DecisionPayload {
  const { by = 'ops-1', ...rest } = over;
  counter += 1;
  return {
    deploymentId: DEPLOYMENT_ID,
    reviewId: REVIEW_ID,
    decisionUlid: `01J${String(counter).padStart(23, '0')}`,
    revision: 1,
    level: 1,
    type: 'approve',
    digest,
    reviewer: { id: by, method: 'token' },
    channel: 'api',
    decidedAt: iso(NOON),
    ...rest,
  };
}

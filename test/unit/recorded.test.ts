import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../src/contract/audit.ts';
import type { DecisionType } from '../../src/contract/review.ts';
import { readRecordedDecisions } from '../../src/domain/authorize/authorize.ts';
import { DEPLOYMENT_ID, iso, NOON, REVIEW_ID } from '../support/materials.ts';

const base = { schemaVersion: 1, deploymentId: DEPLOYMENT_ID, reviewId: REVIEW_ID, at: iso(NOON) } as const;
const digest = (n: number): string => `sha256:${String(n).repeat(64)}`;

const decided = (n: number, decision: DecisionType): AuditEntry => ({
  ...base,
  type: 'decided',
  decisionUlid: '01J00000000000000000000000',
  decision,
  reviewer: 'ops-1',
  channel: 'api',
  revision: 1,
  level: 1,
  digest: digest(0),
  envelopeDigest: digest(n),
  status: 'pending',
});
const revised = (revision: number): AuditEntry => ({
  ...base,
  type: 'revised',
  revision,
  by: 'agent-1',
  envelopeDigest: digest(9),
});

describe('decisions in the audit log', () => {
  it('starts at version one, with nothing admitted', () => {
    expect(readRecordedDecisions([])).toEqual({ isFree: false, revision: 1, isBarred: false, admitted: new Set() });
  });

  it('collects the envelopes that were admitted', () => {
    const { admitted } = readRecordedDecisions([decided(1, 'approve'), decided(2, 'approve')]);
    expect(admitted).toEqual(new Set([digest(1), digest(2)]));
  });

  it('is at the latest revision', () => {
    expect(readRecordedDecisions([decided(1, 'edit'), revised(2), decided(2, 'edit'), revised(3)]).revision).toBe(3);
  });

  it('is barred while changes are awaited, until a new version comes', () => {
    expect(readRecordedDecisions([decided(1, 'revise')]).isBarred).toBe(true);
    expect(readRecordedDecisions([decided(1, 'revise'), decided(2, 'approve')]).isBarred).toBe(true);
    expect(readRecordedDecisions([decided(1, 'revise'), revised(2)]).isBarred).toBe(false);
  });

  it.each<[string, AuditEntry]>([
    ['a no', decided(1, 'reject')],
    ['a withdrawal', { ...base, type: 'withdrawn', by: 'agent-1', envelopeDigest: null }],
    ['expiry', { ...base, type: 'expired', expiresAt: iso(NOON) }],
    ['an abort', { ...base, type: 'aborted', reason: 'cancelled' }],
  ])('is barred by %s', (_name, entry) => {
    expect(readRecordedDecisions([entry]).isBarred).toBe(true);
  });
});

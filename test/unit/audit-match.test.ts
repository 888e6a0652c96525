import { describe, expect, test } from 'vitest';
import { entriesQuerySchema } from '../../src/contract/audit-query.ts';
import type { AuditEntry } from '../../src/contract/audit.ts';
import { LOG_SEARCH } from '../../src/contract/constants.ts';
import { entryMatcher } from '../../src/api/service/audit.ts';
import { AT, DIGEST, OTHER_DIGEST, proposedEntry, reviewIdOf } from '../support/storage-fixtures.ts';

const reviewId = reviewIdOf(1);
const base = { schemaVersion: 1, deploymentId: 'test', at: AT, reviewId } as const;
const proposed = proposedEntry(reviewId, { attested: false });
const classified: AuditEntry = {
  ...base,
  type: 'classified',
  revision: 1,
  class: 'irreversible',
  gate: 'hard',
  status: 'pending',
  reasonCodes: ['irreversible-tool', 'too-much'],
  digest: DIGEST,
  policyDigest: OTHER_DIGEST,
  override: false,
};
const notified: AuditEntry = { ...base, type: 'notified', event: 'pending', channel: 'email', recipients: ['Ops-1'] };
const decided: AuditEntry = {
  ...base,
  type: 'decided',
  decisionUlid: '01J00000000000000000000000',
  decision: 'approve',
  reviewer: 'ops-2',
  channel: 'dashboard',
  revision: 1,
  level: 1,
  digest: DIGEST,
  envelopeDigest: OTHER_DIGEST,
  status: 'pending',
};
const failed: AuditEntry = {
  ...base,
  type: 'finished',
  status: 'failed',
  errorCode: 'target_refused',
  resultDigest: null,
  late: false,
};
const LOG = [proposed, classified, notified, decided, failed];

const found = (q: string, more = {}): readonly string[] =>
  LOG.filter(entryMatcher({ ...more, q }) ?? (() => true)).map(({ type }) => type);

describe('a search of the log', () => {
  test.each([
    ['what an entry holds', 'github.repos', ['proposed']],
    ['its review', reviewId, LOG.map(({ type }) => type)],
    ['people, whatever the case', 'OPS-1', ['proposed', 'notified']],
    ['codes', 'target_refused', ['finished']],
    ['a policy’s own reason', 'too-much', ['classified']],
    ['digests, by their beginning', 'sha256:aaaa', ['proposed', 'classified', 'decided']],
    ['what the page says of its type', 'people notified', ['notified']],
    ['what the page says of its codes', 'cannot be undone', ['classified']],
    ['what the page says of a decision', 'ops-2 approved', ['decided']],
    ['what the page says of a proposal', '(not attested)', ['proposed']],
  ])('finds %s', (_what, q, types) => {
    expect(found(q)).toEqual(types);
  });

  test('wants every word, in any order and with any blanks between', () => {
    expect(found('  github\t CLEANUP-agent ')).toEqual(['proposed']);
    expect(found('github ops-2')).toEqual([]);
  });

  test('looks at no name of a field, and not at the deployment', () => {
    for (const q of ['proposalDigest', 'schemaVersion', 'reviewer":', 'deploymentId']) {
      expect([q, found(q)]).toEqual([q, []]);
    }
    const elsewhere = LOG.map((entry) => ({ ...entry, deploymentId: 'staging' }));
    expect(elsewhere.filter(entryMatcher({ q: 'staging' }) ?? (() => true))).toEqual([]);
  });

  test('takes what looks like a pattern as text', () => {
    for (const q of ['.*', 'ops-.', '^', '(a+)+$', '[a-z]', '%', '\\w']) expect([q, found(q)]).toEqual([q, []]);
  });

  test('is one filter more beside the others', () => {
    expect(found('ops', { type: 'decided,proposed' })).toEqual(['proposed', 'decided']);
    expect(found('ops', { person: 'ops-2' })).toEqual(['decided']);
    expect(found('ops', { until: AT })).toEqual([]);
  });

  test('has a longest text and a most of words', () => {
    const takes = (q: string): boolean => entriesQuerySchema.safeParse({ q }).success;
    const words = (count: number): string => Array.from({ length: count }, (_, n) => `w${n}`).join(' ');
    for (const q of ['a', ' a ', words(LOG_SEARCH.words), 'a'.repeat(LOG_SEARCH.length)]) {
      expect([q, takes(q)]).toEqual([q, true]);
    }
    for (const q of ['', ' ', '\t\n', words(LOG_SEARCH.words + 1), 'a'.repeat(LOG_SEARCH.length + 1)]) {
      expect([q, takes(q)]).toEqual([q, false]);
    }
  });
});

import { describe, expect, test } from 'vitest';
import type { SessionResponse as Session } from '../../src/contract/api.ts';
import type { Review } from '../../src/contract/review.ts';
import { STOPPED_WORDS } from '../../src/domain/stop.ts';
import { whyNot, whyNotReconcile } from '../../src/dashboard/decide/eligibility.ts';
import { timelineOf } from '../../src/dashboard/review/timeline-events.ts';
import { APPROVED_NOT_RUN, aReview, STOPPED } from './client-fixtures.ts';

const FROM = '2026-01-01T12:00:10.000Z';
const at = (time: string): number => Date.parse(time);
const after = at(FROM);
const review = {
  status: 'approved',
  levels: [
    { name: 'operations', approvers: ['ops'], escalation: null },
    { name: 'finance', approvers: ['finance'], escalation: { at: '2026-01-01T13:00:00.000Z', to: ['chiefs'] } },
  ],
  proposer: { id: 'agent-1', owner: 'finance-2', attested: true },
  revisions: [],
  resolvedAt: null,
  execution: { status: 'outcome_unknown', startedAt: null, finishedAt: null, reconcilableFrom: FROM },
} as unknown as Review;
const person = (id: string, group: string, role: 'reviewer' | 'auditor' = 'reviewer'): Session =>
  ({ reviewer: { id, groups: [group], role } }) as Session;

describe('who may say what became of a call', () => {
  test('voters of the last level, once the request cannot be on its way any more', () => {
    expect(whyNotReconcile(review, person('finance-1', 'finance'), after)).toBeUndefined();
    expect(whyNotReconcile(review, person('finance-1', 'finance'), after - 1)).toBeDefined();
  });

  test('not auditors, not the owner, not voters of other levels, and those it escalates to from then on', () => {
    for (const nobody of [
      person('audit-1', 'finance', 'auditor'),
      person('finance-2', 'finance'),
      person('ops-1', 'ops'),
      person('chief-1', 'chiefs'),
    ]) {
      expect(whyNotReconcile(review, nobody, after)).toBeDefined();
    }
    expect(whyNotReconcile(review, person('chief-1', 'chiefs'), at('2026-01-01T13:00:00.000Z'))).toBeUndefined();
  });

  test('any reviewer where no decision was needed', () => {
    expect(whyNotReconcile({ ...review, levels: [] }, person('ops-1', 'ops'), after)).toBeUndefined();
  });
});

describe('who may stop an approved call', () => {
  const approved = aReview({ ...APPROVED_NOT_RUN, levels: review.levels, separationOfDuties: true });

  test('whoever may vote on any level, the owner among them, and those it escalates to from then on', () => {
    for (const somebody of [person('ops-1', 'ops'), person('finance-2', 'finance')]) {
      expect(whyNot(approved, somebody, after)).toBeUndefined();
    }
    expect(whyNot(approved, person('chief-1', 'chiefs'), after)).toBeDefined();
    expect(whyNot(approved, person('chief-1', 'chiefs'), at('2026-01-01T13:00:00.000Z'))).toBeUndefined();
    expect(whyNot(approved, person('audit-1', 'ops', 'auditor'), after)).toBeDefined();
  });
});

test('the timeline tells a call that was stopped from one that failed', () => {
  const last = (more: Parameters<typeof aReview>[0]) => timelineOf(aReview(more)).at(-1)?.what;
  const failed = { ...aReview(STOPPED).execution, error: { code: 'drifted', message: '' } };
  expect(last(STOPPED)).toContain(STOPPED_WORDS);
  expect(last({ ...STOPPED, execution: failed })).not.toContain(STOPPED_WORDS);
});

test('the timeline says who established what', () => {
  const reconciled = { outcome: 'failed', by: 'finance-1', note: 'not in its list', at: FROM } as const;
  const events = timelineOf({ ...review, execution: { ...review.execution, status: 'failed', reconciled } });
  expect(events).toMatchObject([{ kind: 'reconciled', at: FROM, who: 'finance-1', words: 'not in its list' }]);
});

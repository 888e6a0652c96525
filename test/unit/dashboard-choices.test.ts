import { describe, expect, test } from 'vitest';
import type { SessionResponse as Session } from '../../src/contract/api.ts';
import type { Review } from '../../src/contract/review.ts';
import { STOPPED_WORDS } from '../../src/domain/stop.ts';
import { choicesFor, readAnswer, whyNotReconcile } from '../../src/dashboard/decide/choices.ts';
import { showReview } from '../../src/domain/show/show-review.ts';
import { writeLine } from '../../src/domain/show/to-text.ts';
import { APPROVED_NOT_RUN, aReview, STOPPED } from './client-fixtures.ts';

// Who may decide is in eligibility.test.ts; here, that the page offers just that, and says something where it is nothing.
const AT = Date.parse('2026-04-01T12:30:00.000Z');
const FROM = new Date(AT).toISOString();
const person = (id: string, group = 'ops', role: 'reviewer' | 'auditor' = 'reviewer'): Session =>
  ({ reviewer: { id, groups: [group], role } }) as Session;
const offered = (review: Review, session: Session) => choicesFor(review, session, AT).types;

describe('the page offers', () => {
  test('what the review takes, to those who may vote, and says why to others', () => {
    expect(offered(aReview(), person('ops-2'))).toEqual(['approve', 'edit', 'revise', 'reject']);
    for (const other of [person('finance-1', 'finance'), person('audit-1', 'ops', 'auditor')]) {
      expect(offered(aReview(), other)).toEqual([]);
      expect(choicesFor(aReview(), other, AT).why).not.toBe('');
    }
  });

  test('nothing to whoever voted, and says that the vote counts, also once another level is open', () => {
    const vote = { decisionUlid: 'u', type: 'approve', reviewer: 'ops-2', channel: 'api', decidedAt: FROM } as const;
    const levels = aReview().levels.flatMap((level): Review['levels'] => [
      { ...level, status: 'passed', decisions: [{ ...vote, level: 1, revision: 1, comment: null }] },
      { ...level, name: 'money', approvers: ['finance'] },
    ]);
    const why = (separationOfDuties: boolean) =>
      choicesFor(aReview({ levels, level: 2, separationOfDuties }), person('ops-2'), AT).why;
    expect(why(true)).toContain('Your vote');
    expect(why(false)).toContain('Your vote');
  });

  test('nothing to whoever edited this version, under separation of duties', () => {
    const call = aReview().call;
    const revisions = [{ revision: 2, call, submittedAt: FROM, by: 'ops-2', decisions: [] }];
    const edited = aReview({ revision: 2, revisions, separationOfDuties: true });
    expect(offered(edited, person('ops-2'))).toEqual([]);
    expect(offered(edited, person('ops-3'))).toContain('approve');
  });

  test('a rejection while changes are asked for', () => {
    const waiting = aReview({ status: 'changes_requested', level: 0, allowedDecisions: ['reject'] });
    expect(offered(waiting, person('ops-2'))).toEqual(['reject']);
    expect(offered(waiting, person('finance-1', 'finance'))).toEqual([]);
  });

  test('a stop once it is approved, the owner among others', () => {
    expect(offered(aReview({ ...APPROVED_NOT_RUN, separationOfDuties: true }), person('ops-1'))).toEqual(['reject']);
  });

  test('nothing while evidence is gathered', () => {
    const { call } = aReview();
    const gathering = aReview({ call: { ...call, digest: null }, allowedDecisions: [] });
    expect(offered(gathering, person('ops-2'))).toEqual([]);
  });

  test('settling an unknown outcome from the time on from which it can be settled', () => {
    const execution = { ...aReview().execution, status: 'outcome_unknown', reconcilableFrom: FROM } as const;
    const unknown = aReview({ status: 'approved', level: 0, allowedDecisions: [], execution });
    expect(whyNotReconcile(unknown, person('ops-2'), AT)).toBeUndefined();
    expect(whyNotReconcile(unknown, person('ops-2'), AT - 1)).toBeDefined();
    expect(whyNotReconcile(unknown, person('ops-1'), AT)).toBeDefined();
    expect(whyNotReconcile(unknown, person('audit-1', 'ops', 'auditor'), AT)).toBeDefined();
  });
});

test('an answer is text as it stands, or the value that JSON writes', () => {
  expect(readAnswer('{"days": 3}', false)).toBe('{"days": 3}');
  expect(readAnswer('{"days": 3}', true)).toEqual({ days: 3 });
  expect(readAnswer('null', true)).toBeNull();
  expect(readAnswer('{days: 3}', true)).toBeUndefined();
  // Not as another number than the one that was typed.
  for (const text of ['12345678901234567890', '[-0]', '{"a":1,"a":2}']) expect(readAnswer(text, true)).toBeUndefined();
  expect(readAnswer(' ', false)).toBeUndefined();
});

const lastEvent = (review: Review) =>
  showReview(review, { now: AT, tool: undefined, pinned: null })
    .sections.flatMap(({ blocks }) => blocks.flatMap((block) => (block.kind === 'events' ? block.events : [])))
    .at(-1);

test('the timeline tells a call that was stopped from one that failed', () => {
  const last = (more: Parameters<typeof aReview>[0]) => writeLine(lastEvent(aReview(more))?.line ?? []);
  const failed = { ...aReview(STOPPED).execution, error: { code: 'drifted', message: '' } };
  expect(last(STOPPED)).toContain(STOPPED_WORDS);
  expect(last({ ...STOPPED, execution: failed })).not.toContain(STOPPED_WORDS);
});

test('the timeline says who established what', () => {
  const reconciled = { outcome: 'failed', by: 'finance-1', note: 'not in its list', at: FROM } as const;
  const execution = { ...aReview().execution, status: 'failed', reconciled } as const;
  const event = lastEvent(aReview({ status: 'approved', execution }));
  expect(event).toMatchObject({ kind: 'reconciled', at: FROM, comment: 'not in its list' });
  expect(writeLine(event?.line ?? [])).toContain('finance-1');
});

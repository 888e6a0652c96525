import { describe, expect, it } from 'vitest';
import {
  aheadOf,
  areTimesAtLeastAsStrict,
  deadlineOf,
  dueBy,
  escalatedTo,
  escalationOf,
  isExpired,
  nextDueAt,
  nextEscalation,
  NO_SCHEDULE,
  scheduleOf,
  type ApprovalTimes,
} from '../../src/domain/deadline.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-05-01T12:00:00.000Z');
const at = (hours: number): number => START + hours * HOUR;
const iso = (hours: number): string => new Date(at(hours)).toISOString();

const TIMES: ApprovalTimes = {
  expireAfterMs: 24 * HOUR,
  remindBeforeMs: [HOUR, 4 * HOUR],
  escalate: { afterMs: 10 * HOUR, to: ['managers'] },
};

describe('the deadline', () => {
  it('counts from the start, and a later revision only shortens it', () => {
    expect(deadlineOf(TIMES, START, null)).toBe(at(24));
    expect(deadlineOf(TIMES, START, at(2))).toBe(at(2));
    expect(deadlineOf(TIMES, START, at(48))).toBe(at(24));
  });

  it('law 4: has passed from its own instant on', () => {
    expect(isExpired(at(24), at(24) - 1)).toBe(false);
    expect(isExpired(at(24), at(24))).toBe(true);
    expect(isExpired(null, Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});

describe('reminders and escalation', () => {
  const schedule = scheduleOf(TIMES, START, at(24));

  it('come in order, and only between start and deadline', () => {
    expect(schedule).toEqual({ remindAt: [at(20), at(23)], escalateAt: at(10) });
    expect(scheduleOf(TIMES, START, at(4))).toEqual({ remindAt: [at(3)], escalateAt: null });
    expect(scheduleOf({ ...TIMES, escalate: null }, START, at(1))).toEqual(NO_SCHEDULE);
  });

  it('say when something comes due next', () => {
    expect(nextDueAt(at(24), schedule)).toBe(at(10));
    expect(nextDueAt(at(24), aheadOf(at(10), schedule))).toBe(at(20));
    expect(nextDueAt(at(24), NO_SCHEDULE)).toBe(at(24));
  });

  it('after an outage: the escalation first, then one reminder for all that were missed', () => {
    expect(dueBy(at(9), schedule)).toEqual([]);
    expect(dueBy(at(23.5), schedule)).toEqual([
      { event: 'escalated', at: at(10) },
      { event: 'reminder', at: at(23) },
    ]);
    expect(aheadOf(at(20), schedule)).toEqual({ remindAt: [at(23)], escalateAt: null });
  });

  it('add their groups from their own instant on', () => {
    const level = { escalation: escalationOf(TIMES, START) };
    expect(level.escalation).toEqual({ at: iso(10), to: ['managers'] });
    expect(escalatedTo(level, at(10) - 1)).toEqual([]);
    expect(escalatedTo(level, at(10))).toEqual(['managers']);
    expect(escalatedTo({ escalation: { at: 'soon', to: ['managers'] } }, at(10))).toEqual([]);
    expect(escalatedTo({ escalation: null }, at(10))).toEqual([]);
  });
});

describe('stricter times', () => {
  it.each<[string, Partial<ApprovalTimes>, boolean]>([
    ['the same', {}, true],
    ['a shorter wait', { expireAfterMs: HOUR }, true],
    ['a longer wait', { expireAfterMs: 48 * HOUR }, false],
    ['no escalation', { escalate: null }, true],
    ['a later escalation', { escalate: { afterMs: 11 * HOUR, to: ['managers'] } }, true],
    ['an earlier escalation', { escalate: { afterMs: 9 * HOUR, to: ['managers'] } }, false],
    ['an escalation to others', { escalate: { afterMs: 10 * HOUR, to: ['ops'] } }, false],
    ['other reminders', { remindBeforeMs: [] }, true],
  ])('%s', (_, change, expected) => {
    expect(areTimesAtLeastAsStrict({ ...TIMES, ...change }, TIMES)).toBe(expected);
  });

  it('an escalation where there was none', () => {
    expect(areTimesAtLeastAsStrict(TIMES, { ...TIMES, escalate: null })).toBe(false);
  });
});

describe('the escalation that comes next', () => {
  const level = { name: 'ops', approvers: ['ops'], quorum: 1, status: 'open' as const, decisions: [] };
  const escalation = escalationOf(TIMES, START);
  const waiting = { status: 'pending' as const, expiresAt: iso(24), level: 1, levels: [{ ...level, escalation }] };

  it('is the open level’s, until it has come', () => {
    expect(nextEscalation(waiting, at(9))).toEqual(escalation);
    expect(nextEscalation(waiting, at(10))).toBeNull();
    expect(nextEscalation({ ...waiting, expiresAt: null }, at(9))).toEqual(escalation);
  });

  it('does not come after the deadline, or while nobody is to decide', () => {
    expect(nextEscalation({ ...waiting, expiresAt: iso(10) }, at(1))).toBeNull();
    expect(nextEscalation({ ...waiting, status: 'changes_requested' }, at(9))).toBeNull();
    expect(nextEscalation({ ...waiting, status: 'approved' }, at(9))).toBeNull();
    expect(nextEscalation({ ...waiting, levels: [{ ...level, escalation: null }] }, at(9))).toBeNull();
  });
});

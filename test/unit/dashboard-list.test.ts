import { describe, expect, test } from 'vitest';
import type { ReviewRow } from '../../src/contract/review.ts';
import { fits, placeRow } from '../../src/dashboard/data/place-row.ts';
import { readFilters, toListFilter } from '../../src/dashboard/inbox/filters.ts';
import { foldGroups, matchesSearch, proposersOf } from '../../src/dashboard/inbox/fold.ts';
import { shortDuration, spokenDuration } from '../../src/dashboard/ui/time.ts';
import { foldSame, joinRuns } from '../../src/dashboard/ui/fold-changes.ts';
import { diffJson } from '../../src/domain/show/changes.ts';

const row = (reviewId: string, more: Partial<ReviewRow> = {}): ReviewRow =>
  ({
    reviewId,
    status: 'pending',
    tool: 'bank.pay',
    service: 'bank',
    summary: `bank.pay {"ref":"${reviewId}"}`,
    proposer: { id: 'agent-1', owner: null, attested: true },
    expiresAt: '2026-01-01T12:00:00.000Z',
    approvers: ['ops'],
    closedTo: [],
    group: null,
    threadId: null,
    reason: null,
    title: null,
    ...more,
  }) as ReviewRow;
const ids = (pages: ReturnType<typeof placeRow>): readonly string[] =>
  pages.flatMap(({ reviews }) => reviews.map(({ reviewId }) => reviewId));
const nobody = { id: 'audit-1', groups: [] };
const at = (hour: number): string => `2026-01-01T${String(hour).padStart(2, '0')}:00:00.000Z`;

describe('a list that changes', () => {
  const pages = [
    { reviews: [row('a', { expiresAt: at(1) }), row('c', { expiresAt: at(3) })], nextCursor: 'x' },
    { reviews: [row('e', { expiresAt: at(5) })], nextCursor: null },
  ];

  test('a new row stands at its place', () => {
    expect(ids(placeRow(pages, row('b', { expiresAt: at(2) }), { status: ['pending'] }, nobody))).toEqual([
      'a',
      'b',
      'c',
      'e',
    ]);
    expect(ids(placeRow(pages, row('f', { expiresAt: at(6) }), {}, nobody))).toEqual(['a', 'c', 'e', 'f']);
  });

  test('a row that no longer fits goes, one that moved stands once', () => {
    expect(ids(placeRow(pages, row('c', { status: 'approved' }), { status: ['pending'] }, nobody))).toEqual(['a', 'e']);
    expect(ids(placeRow(pages, row('a', { expiresAt: at(4) }), {}, nobody))).toEqual(['c', 'a', 'e']);
  });

  test('an approved call is listed as not run until it is claimed; a question that was answered never is', () => {
    const filter = { status: 'approved', execution: 'not_started' } as const;
    const approved = { status: 'approved', kind: 'call', executionStatus: 'not_started' } as const;
    expect(fits(row('a', approved), filter, nobody)).toBe(true);
    expect(fits(row('a', { ...approved, executionStatus: 'executing' }), filter, nobody)).toBe(false);
    expect(fits(row('a', { ...approved, kind: 'in-flow' }), filter, nobody)).toBe(false);
  });

  test('behind what is loaded there is nothing to place', () => {
    const open = [{ reviews: [row('a', { expiresAt: at(1) })], nextCursor: 'more' }];
    expect(ids(placeRow(open, row('z', { expiresAt: at(9) }), {}, nobody))).toEqual(['a']);
  });

  test('mine are those that my groups may vote on now', () => {
    expect(fits(row('a'), { approver: 'me' }, { id: 'ops-1', groups: ['ops'] })).toBe(true);
    expect(fits(row('a'), { approver: 'me' }, { id: 'finance-1', groups: ['finance'] })).toBe(false);
    expect(fits(row('a', { closedTo: ['ops-1'] }), { approver: 'me' }, { id: 'ops-1', groups: ['ops'] })).toBe(false);
    expect(fits(row('a', { status: 'changes_requested' }), { approver: 'me' }, { id: 'ops-1', groups: ['ops'] })).toBe(
      false,
    );
  });
});

describe('the inbox', () => {
  test('what is no filter is not taken from the address', () => {
    expect(readFilters({ status: 'nonsense', tool: 'bank.pay', other: 'x', q: '' })).toEqual({ tool: 'bank.pay' });
    expect(toListFilter({})).toEqual({ status: ['pending', 'changes_requested'] });
    expect(toListFilter({ status: 'all', q: 'x' })).toEqual({});
    const unknown = toListFilter(readFilters({ status: 'outcome_unknown' }));
    expect(unknown).toEqual({ execution: 'outcome_unknown' });
    const settled = row('a', { status: 'approved', executionStatus: 'failed' });
    expect(fits({ ...settled, executionStatus: 'outcome_unknown' }, unknown, nobody)).toBe(true);
    expect(fits(settled, unknown, nobody)).toBe(false);
  });

  test('reviews of one group fold where the first stands; other proposers’ groups are others', () => {
    const rows = [
      row('a', { group: 'g' }),
      row('b'),
      row('c', { group: 'g' }),
      row('d', { group: 'g', proposer: { id: 'agent-2', owner: null, attested: true } }),
    ];
    const folded = foldGroups(rows, 'mine', new Set());
    expect(folded.map(({ kind }) => kind)).toEqual(['group', 'review', 'review']);
    const [group] = folded;
    // What its link names: the group's name alone would bring the other proposer's reviews along.
    expect(group).toMatchObject({ name: 'g', proposer: 'agent-1' });
    expect(proposersOf(rows)).toEqual(['agent-1', 'agent-2']);
    expect(foldGroups(rows, 'mine', new Set([group?.key ?? '']))).toHaveLength(5);
  });

  test('a search finds all of its words, wherever they are', () => {
    expect(matchesSearch(row('a', { reason: 'Old invoices' }), 'AGENT-1 invoices')).toBe(true);
    expect(matchesSearch(row('a'), 'agent-1 invoices')).toBe(false);
    expect(matchesSearch(row('a', { sentence: [{ policy: 'Settle ' }, { value: '"a"' }] }), 'settle')).toBe(true);
  });
});

describe('words', () => {
  test('time left, for the eye and for the ear', () => {
    expect(shortDuration(0)).toBe('over');
    expect(shortDuration(38_000)).toBe('38 s');
    expect(shortDuration(3 * 3_600_000 + 12 * 60_000)).toBe('3 h 12 min');
    expect(spokenDuration(86_400_000 + 3_600_000)).toBe('1 day 1 hour');
    expect(spokenDuration(5_000)).toBe('less than a minute');
  });

  test('a diff ignores the order of keys', () => {
    const kinds = (a: object, b: object) => diffJson(a as never, b as never).map(({ kind }) => kind);
    expect(new Set(kinds({ a: 1, b: 2 }, { b: 2, a: 1 }))).toEqual(new Set(['same']));
    expect(kinds({ a: 1 }, { a: 2 })).toEqual(['same', 'removed', 'added', 'same']);
  });

  test('versions of 200 KiB with nothing in common are all of the one, then all of the other', () => {
    const version = (word: string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`${word}${at}`, 'x'.repeat(10)]));
    const [before, after] = [version('a'), version('b')];
    expect(JSON.stringify(before).length).toBeGreaterThan(200 * 1024);
    const kinds = diffJson(before, after).map(({ kind }) => kind);
    // Looked at closely, the braces would be the same; it is given up long before that.
    expect(kinds).toHaveLength(2 * 10_002);
    expect(kinds.lastIndexOf('removed')).toBe(kinds.indexOf('added') - 1);
    expect(kinds).not.toContain('same');
  });
});

describe('what a version changed', () => {
  test('is shown with a few lines around it, and how much is not', () => {
    const long = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`k${String(at).padStart(2, '0')}`, at]));
    const lines = foldSame(diffJson(long, { ...long, k15: 'other' }));
    expect(lines.filter(({ kind }) => kind === 'gap')).toEqual([
      { kind: 'gap', lines: 13 },
      { kind: 'gap', lines: 12 },
    ]);
    expect(lines.filter(({ kind }) => kind === 'same')).toHaveLength(6);
    expect(lines.map(({ kind }) => kind)).toContain('added');
  });

  test('is in blocks where it is long: far fewer of them, and every line in its place', () => {
    const version = (word: string): readonly string[] => Array.from({ length: 5_000 }, (_, at) => `${word}${at}`);
    const lines = diffJson({ list: version('a'), z: 1 }, { list: version('b'), z: 2 });
    const joined = joinRuns(foldSame(lines));
    expect(joined.length).toBeLessThan(lines.length / 7);
    const split = joined.flatMap((item) =>
      item.kind === 'gap' ? [] : item.text.split('\n').map((text) => ({ kind: item.kind, text })),
    );
    expect(split).toEqual(lines);
    for (const item of joined) expect(item.kind === 'gap' || item.text.length <= 368).toBe(true);
  });

  test('stays line by line where it is short', () => {
    const lines = diffJson({ a: 1, b: 2 }, { a: 3, b: 4 });
    expect(joinRuns(lines)).toEqual(lines);
  });
});

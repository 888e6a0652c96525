import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Review } from '../../src/contract/review.ts';
import { showReview } from '../../src/domain/show/show-review.ts';
import { writeLine } from '../../src/domain/show/to-text.ts';
import {
  compareEntries,
  listEntries,
  type Content,
  type Entry,
  type Listed,
} from '../../src/dashboard/group/compare.ts';
import { aReview } from './client-fixtures.ts';

const list = (over: Partial<Review> = {}): Listed =>
  listEntries(showReview(aReview(over), { now: 0, tool: undefined, pinned: null }).sections);
const withArguments = (args: Review['call']['arguments'], over: Partial<Review> = {}): Listed =>
  list({ ...over, call: { ...aReview().call, service: 'bank', tool: 'bank.pay', arguments: args }, evidence: [] });
const labels = (entries: readonly Pick<Entry, 'label'>[]): readonly string[] =>
  entries.map(({ label }) => writeLine(label));
const written = (content: Content | undefined): string | undefined =>
  content === undefined ? undefined : 'text' in content ? content.text : writeLine(content.line);

describe('similar calls beside each other', () => {
  test('what they have in common is said once, what differs is a column', () => {
    const all = [
      withArguments({ account: 'a-1', amount: 5 }).entries,
      withArguments({ account: 'a-1', amount: 7, note: 'late' }).entries,
    ];
    const { common, columns } = compareEntries(all);
    expect(labels(common)).toContain('account');
    expect(labels(columns)).toEqual(['amount', 'note']);
    const [, note] = columns;
    expect(all.map((entries) => written(entries.find(({ key }) => key === note?.key)?.content))).toEqual([
      undefined,
      'late',
    ]);
  });

  test('nothing is lost: each thing that a call says is in what is common or in a column', () => {
    const args = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', '__proto__x'),
      fc.oneof(fc.string(), fc.integer(), fc.boolean()),
    );
    fc.assert(
      fc.property(fc.array(args, { minLength: 1, maxLength: 5 }), (calls) => {
        const all = calls.map((one) => withArguments(one).entries);
        const { common, columns } = compareEntries(all);
        const keys = new Set([...common, ...columns].map(({ key }) => key));
        expect(keys.size).toBe(common.length + columns.length);
        for (const entries of all) {
          for (const entry of entries) expect(keys).toContain(entry.key);
          for (const { key, content } of common)
            expect(entries.find((entry) => entry.key === key)?.content).toEqual(content);
        }
      }),
    );
  });

  test('when Holdpoint looked tells nothing apart; a time among the facts does', () => {
    const evidence = (gatheredAt: string, pushed: string): Review['evidence'] => [
      { facts: [{ name: 'pushed', label: 'Last push', value: pushed }], sourceHash: null, gatheredAt },
    ];
    const all = [
      list({ evidence: evidence('2026-01-01T00:00:00.000Z', '2025-01-01T00:00:00.000Z') }).entries,
      list({ evidence: evidence('2026-01-02T00:00:00.000Z', '2025-01-02T00:00:00.000Z') }).entries,
    ];
    expect(labels(compareEntries(all).columns)).toEqual(['Last push']);
  });

  test('what has no place in a table is told: such a call is not approved from it', () => {
    expect(withArguments({ account: 'a-1' }).isWhole).toBe(true);
    const sample = { name: 'rows', label: 'Sample', value: [{ id: 1 }, { id: 2 }] };
    const evidence = [{ facts: [sample], sourceHash: null, gatheredAt: '2026-01-01T00:00:00.000Z' }];
    expect(list({ evidence }).isWhole).toBe(false);
    expect(withArguments({ account: 'a-1' }, { revision: 2 }).isWhole).toBe(false);
  });
});

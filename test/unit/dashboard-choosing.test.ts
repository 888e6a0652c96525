import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stepFrom } from '../../src/dashboard/inbox/choice.ts';
import { holdStill } from '../../src/dashboard/inbox/hold-still.ts';

interface Item {
  readonly key: string;
  readonly kind: 'heading' | 'review';
  readonly version: number;
}
const list = fc.uniqueArray(
  fc.record({
    key: fc.integer({ min: 0, max: 30 }).map(String),
    kind: fc.constantFrom('heading', 'review'),
    version: fc.nat(3),
  }),
  { selector: ({ key }) => key },
) as fc.Arbitrary<readonly Item[]>;
const keysOf = (items: readonly Item[]): readonly string[] => items.map(({ key }) => key);

describe('a list that holds still', () => {
  test('moves nothing that is shown, adds only at its end, and loses nothing', () => {
    fc.assert(
      fc.property(list, list, (shown, next) => {
        const held = holdStill(shown, next);
        expect(keysOf(held.items).slice(0, shown.length)).toEqual(keysOf(shown));
        const all = new Set([...keysOf(held.items), ...keysOf(held.fresh)]);
        expect(all).toEqual(new Set([...keysOf(shown), ...keysOf(next)]));
        expect(all.size).toBe(held.items.length + held.fresh.length);
        for (const item of held.items) {
          const latest = next.find(({ key }) => key === item.key);
          expect(held.gone.has(item.key)).toBe(latest === undefined);
          if (latest !== undefined) expect(item).toBe(latest);
        }
      }),
    );
  });

  test('a list that only grew at its end is shown as it is', () => {
    fc.assert(
      fc.property(list, fc.nat(30), (next, at) => {
        const shown = next.slice(0, at);
        fc.pre(shown.length > 0);
        expect(holdStill(shown, next)).toEqual({ items: next, gone: new Set(), fresh: [] });
      }),
    );
  });
});

describe('the entry that keys act on', () => {
  const items = ['h', 'a', 'b', 'c'].map((key) => ({ key, kind: key === 'h' ? 'heading' : 'review' }));

  test.each([
    ['nothing chosen: the first, whatever the step', undefined, -1, 'a'],
    ['the next', { key: 'a', index: 1 }, 1, 'b'],
    ['wherever it stands now', { key: 'a', index: 3 }, 1, 'b'],
    ['the previous', { key: 'c', index: 3 }, -1, 'b'],
    ['not beyond the end', { key: 'c', index: 3 }, 1, 'c'],
    ['not beyond the start', { key: 'a', index: 1 }, -1, undefined],
    ['gone: what stands at its place now', { key: 'x', index: 2 }, 1, 'b'],
    ['gone: what stands before it', { key: 'x', index: 2 }, -1, 'a'],
    ['gone from behind the end', { key: 'x', index: 9 }, 1, 'c'],
  ] as const)('%s', (_what, chosen, step, expected) => {
    expect(stepFrom(chosen, step, items)?.key).toBe(expected);
  });

  test('no step chooses a heading or an entry that is not there', () => {
    fc.assert(
      fc.property(
        list,
        fc.integer({ min: 0, max: 40 }),
        fc.nat(40),
        fc.constantFrom(1, -1),
        (all, key, index, step) => {
          const next = stepFrom({ key: String(key), index }, step as 1 | -1, all);
          if (next !== undefined) expect(all[next.index]).toMatchObject({ key: next.key, kind: 'review' });
        },
      ),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canFill, type Seat } from '../../src/domain/gate/seats.ts';

const seat = (level: number, number: number, people: readonly string[]): Seat => ({
  level,
  seat: number,
  people: new Set(people),
});

/** Tries every way of telling people off to seats. */
function canFillByTrying(seats: readonly Seat[], oneSeatEach: boolean, taken: readonly string[] = []): boolean {
  const [first, ...rest] = seats;
  if (first === undefined) return true;
  return [...first.people].some((person) => {
    const key = oneSeatEach ? person : `${first.level} ${person}`;
    return !taken.includes(key) && canFillByTrying(rest, oneSeatEach, [...taken, key]);
  });
}

const anySeats = fc
  .array(
    fc.record({
      level: fc.integer({ min: 0, max: 2 }),
      people: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 5 }),
    }),
    { maxLength: 6 },
  )
  .map((given) => given.map(({ level, people }, index) => seat(level, index, people)));

describe('filling seats', () => {
  it('agrees with trying every way', () => {
    fc.assert(
      fc.property(anySeats, fc.boolean(), (seats, oneSeatEach) => {
        expect(canFill(seats, oneSeatEach)).toBe(canFillByTrying(seats, oneSeatEach));
      }),
      { numRuns: 3_000 },
    );
  });

  it('moves somebody to another seat where that frees one', () => {
    const seats = [seat(0, 0, ['both', 'ops']), seat(1, 0, ['both'])];
    expect(canFill(seats, true)).toBe(true);
    expect(canFill([seat(0, 0, ['both']), seat(1, 0, ['both'])], true)).toBe(false);
    expect(canFill([seat(0, 0, ['both']), seat(1, 0, ['both'])], false)).toBe(true);
  });

  it('fills no two seats of a level with one person', () => {
    expect(canFill([seat(0, 0, ['a']), seat(0, 1, ['a'])], false)).toBe(false);
  });

  it('stays fast at ten levels of twenty', () => {
    const people = Array.from({ length: 200 }, (_, index) => `p-${index}`);
    const seats = people.map((_, index) => seat(Math.floor(index / 20), index % 20, people));
    expect(canFill(seats, true)).toBe(true);
    expect(canFill([...seats, seat(9, 20, people)], true)).toBe(false);
  });
});

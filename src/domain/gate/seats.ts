/** One yes that a level needs, and the people who could give it. */
export interface Seat {
  readonly level: number;
  readonly seat: number;
  readonly people: ReadonlySet<string>;
}

/**
 * Whether every seat can be filled: never by one person twice on the same level, and, where `oneSeatEach`, by
 * one person only once. Bipartite matching by augmenting paths (Kuhn); at most 10 levels of 20 seats.
 */
export function canFill(seats: readonly Seat[], oneSeatEach: boolean): boolean {
  const keyOf = (person: string, seat: Seat): string => (oneSeatEach ? person : `${seat.level} ${person}`);
  const holder = new Map<string, Seat>();
  const place = (seat: Seat, tried: Set<string>): boolean => {
    for (const person of seat.people) {
      const key = keyOf(person, seat);
      if (tried.has(key)) continue;
      tried.add(key);
      const other = holder.get(key);
      if (other === undefined || place(other, tried)) {
        holder.set(key, seat);
        return true;
      }
    }
    return false;
  };
  return seats.every((seat) => place(seat, new Set()));
}

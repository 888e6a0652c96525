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

/** How many yeses a level needs, and who could give them. */
export interface LevelVoters {
  readonly quorum: number;
  readonly people: ReadonlySet<string>;
}

/**
 * Indices of the levels that cannot be filled: each that has too few people; where none has, the first whose people the
 * levels before it need. Empty: all can be filled.
 */
export function findUnfillable(levels: readonly LevelVoters[], oneSeatEach: boolean): readonly number[] {
  // Before any seat is allocated: an unsigned quorum may be a billion.
  const short = levels.flatMap(({ quorum, people }, index) => (people.size < quorum ? [index] : []));
  if (short.length > 0) return short;
  const seats: Seat[] = [];
  for (const [level, { quorum, people }] of levels.entries()) {
    for (let seat = 0; seat < quorum; seat += 1) seats.push({ level, seat, people });
    if (!canFill(seats, oneSeatEach)) return [level];
  }
  return [];
}

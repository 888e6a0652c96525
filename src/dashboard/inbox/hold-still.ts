/** What a list shows of one of its entries. */
interface Entry {
  readonly key: string;
}

export interface HeldList<T extends Entry> {
  readonly items: readonly T[];
  /** Shown, and no longer in the list. */
  readonly gone: ReadonlySet<string>;
  /** In the list, and not shown yet, because they belong between others. */
  readonly fresh: readonly T[];
}

/**
 * A list that changes while someone aims at it: what is shown keeps its place, whatever comes, goes or moves. What belongs
 * behind all that is shown is added there, where it moves nothing.
 */
export function holdStill<T extends Entry>(shown: readonly T[], next: readonly T[]): HeldList<T> {
  const latest = new Map(next.map((item) => [item.key, item]));
  const known = new Set(shown.map(({ key }) => key));
  const end = next.findLastIndex(({ key }) => known.has(key)) + 1;
  // Where all that was shown is gone, nothing tells what is behind it.
  const behind = end === 0 ? [] : next.slice(end);
  return {
    items: [...shown.map((item) => latest.get(item.key) ?? item), ...behind],
    gone: new Set([...known].filter((key) => !latest.has(key))),
    fresh: next.slice(0, end === 0 ? next.length : end).filter(({ key }) => !known.has(key)),
  };
}

import { useEffect, useState } from 'react';

/** What a list shows of one of its entries. */
interface Entry {
  readonly key: string;
}

interface HeldList<T extends Entry> {
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

/**
 * The list as it is shown: it keeps still under a finger and under the eye, until the person asks for what is new, looks
 * for something else (`view`), or comes back to the page.
 */
export function useHeldList<T extends Entry>(
  next: readonly T[],
  view: string,
): HeldList<T> & { readonly release: () => void } {
  const [held, setHeld] = useState({ view, next, list: allOf(next) });
  let current = held;
  if (held.next !== next || held.view !== view) {
    const isNew = held.view !== view || held.list.items.length === 0;
    current = { view, next, list: isNew ? allOf(next) : holdStill(held.list.items, next) };
    setHeld(current);
  }
  useEffect(() => {
    const cameBack = (): void => {
      if (document.visibilityState === 'visible') setHeld((before) => ({ ...before, list: allOf(before.next) }));
    };
    document.addEventListener('visibilitychange', cameBack);
    return () => document.removeEventListener('visibilitychange', cameBack);
  }, []);
  return { ...current.list, release: () => setHeld({ ...current, list: allOf(next) }) };
}

const NONE: ReadonlySet<string> = new Set();

function allOf<T extends Entry>(items: readonly T[]): HeldList<T> {
  return { items, gone: NONE, fresh: [] };
}

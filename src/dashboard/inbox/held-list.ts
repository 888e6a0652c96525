import { useEffect, useState } from 'react';
import { holdStill, type HeldList } from './hold-still.ts';

/**
 * The list as it is shown: it keeps still under a finger and under the eye, until the person asks for what is new, looks
 * for something else (`view`), or comes back to the page.
 */
export function useHeldList<T extends { readonly key: string }>(
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

function allOf<T extends { readonly key: string }>(items: readonly T[]): HeldList<T> {
  return { items, gone: NONE, fresh: [] };
}

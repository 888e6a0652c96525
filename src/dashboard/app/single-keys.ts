import { useSyncExternalStore } from 'react';

/**
 * Whether single keys act (WCAG 2.1.4): who dictates, or rests a hand on the keyboard, turns them off. Kept in this
 * browser, as the appearance is; every tab of it follows.
 */
const KEY = 'holdpoint-single-keys';
const listeners = new Set<() => void>();
/** For browsers that refuse storage: the choice then lasts as long as the page. */
let chosen: boolean | undefined;

export function singleKeysAreOn(): boolean {
  return chosen ?? storage()?.getItem(KEY) !== 'off';
}

export function keepSingleKeys(on: boolean): void {
  storage()?.setItem(KEY, on ? 'on' : 'off');
  chosen = storage() === undefined ? on : undefined;
  for (const listener of listeners) listener();
}

export function useSingleKeys(): boolean {
  return useSyncExternalStore(subscribe, singleKeysAreOn);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}

function storage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

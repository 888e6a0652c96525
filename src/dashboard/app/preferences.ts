import { useSyncExternalStore } from 'react';

// What a person chose in this browser. A browser may refuse storage; choices then last as long as the page.

/** `auto` follows the system. */
export const THEMES = ['auto', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];
const THEME = 'holdpoint-theme';
const SINGLE_KEYS = 'holdpoint-single-keys';

export function readTheme(): Theme {
  const kept = storage()?.getItem(THEME);
  return kept === 'light' || kept === 'dark' ? kept : 'auto';
}

export function keepTheme(theme: Theme): void {
  storage()?.setItem(THEME, theme);
  applyTheme(theme);
}

export function applyTheme(theme: Theme = readTheme()): void {
  document.documentElement.dataset['theme'] = theme;
}

const listeners = new Set<() => void>();
/** The choice where the browser refuses storage. */
let chosen: boolean | undefined;

/**
 * Whether single keys work (WCAG 2.1.4): people who use dictation, or rest a hand on the keyboard, turn them off. Every
 * tab of this browser follows.
 */
export function singleKeysAreOn(): boolean {
  return chosen ?? storage()?.getItem(SINGLE_KEYS) !== 'off';
}

export function keepSingleKeys(on: boolean): void {
  storage()?.setItem(SINGLE_KEYS, on ? 'on' : 'off');
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

/** `auto` follows the system. */
export type Theme = 'auto' | 'light' | 'dark';
const KEY = 'holdpoint-theme';

export function readTheme(): Theme {
  const kept = storage()?.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'auto';
}

export function keepTheme(theme: Theme): void {
  storage()?.setItem(KEY, theme);
  applyTheme(theme);
}

export function applyTheme(theme: Theme = readTheme()): void {
  document.documentElement.dataset['theme'] = theme;
}

/** A browser may refuse storage altogether; the theme is then the system's. */
function storage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

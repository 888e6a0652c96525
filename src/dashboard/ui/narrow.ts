import { useSyncExternalStore } from 'react';

/** As the style sheets' `(width < 30rem)`: a phone held upright. */
const NARROW = window.matchMedia('(width < 30rem)');

/** Whether there is room for one thing only, so that another one comes first: in the document too, not in its drawing. */
export function useIsNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => NARROW.matches);
}

function subscribe(changed: () => void): () => void {
  NARROW.addEventListener('change', changed);
  return () => NARROW.removeEventListener('change', changed);
}

import { useEffect, useRef, useState, useSyncExternalStore } from 'react';

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Holdpoint`;
  }, [title]);
}

// As the style sheets have them: a phone held upright, and room for a second column.
/** Whether there is room for one thing only, so that another one comes first: in the document too, not in its drawing. */
export const useIsNarrow = mediaHook('(width < 30rem)');
export const useIsWide = mediaHook('(width >= 64rem)');

function mediaHook(query: string): () => boolean {
  const media = window.matchMedia(query);
  const subscribe = (changed: () => void): (() => void) => {
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  };
  return () => useSyncExternalStore(subscribe, () => media.matches);
}

/** What is typed into a field, and how: it takes effect a little after the last key. */
export function useDelayed(value: string, onChange: (value: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // The address may change by itself (back, clear). A space at the end is not in it: another word may follow.
  useEffect(() => setText((typed) => (typed.trim() === value ? typed : value)), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return [
    text,
    (next) => {
      setText(next);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => onChange(next.trim()), 250);
    },
  ];
}

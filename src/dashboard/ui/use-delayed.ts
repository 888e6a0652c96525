import { useEffect, useRef, useState } from 'react';

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

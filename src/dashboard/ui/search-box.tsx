import { useRef } from 'react';
import { useKeys } from '../app/keys.ts';
import { useSingleKeys } from '../app/preferences.ts';
import { words } from '../words.ts';
import { useDelayed, useIsNarrow } from './hooks.ts';
import { Icon } from './icon.tsx';

/** The search of a view, reached by `/`. It takes effect a little after the last key, so that typing stays smooth. */
export function SearchBox({
  label,
  hint,
  value,
  onChange,
  maxLength,
}: {
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly maxLength?: number;
}) {
  const [text, setText] = useDelayed(value, onChange);
  const field = useRef<HTMLInputElement>(null);
  const singleKeys = useSingleKeys();
  // A phone has no keys.
  const hasKeys = !useIsNarrow() && singleKeys;
  useKeys({
    '/': (event) => {
      event.preventDefault();
      field.current?.focus();
    },
  });
  return (
    <label className="search">
      <span className="unseen-by-eye">{label}</span>
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        value={text}
        maxLength={maxLength}
        placeholder={hasKeys ? words.search.withKey(hint) : hint}
        onChange={({ target }) => setText(target.value)}
      />
    </label>
  );
}

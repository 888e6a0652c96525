import { useEffect, useRef, type ReactNode } from 'react';
import { useDelayed } from './hooks.ts';

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

export function Labelled({ label, children }: Pick<FieldProps, 'label'> & { readonly children: ReactNode }) {
  return (
    <label className="field">
      <span>{label}</span>
      {children}
    </label>
  );
}

/** It takes effect a little after the last key. */
export function TextFilter({ label, value, onChange }: FieldProps) {
  const [text, setText] = useDelayed(value, onChange);
  return (
    <Labelled label={label}>
      <input value={text} onChange={(event) => setText(event.target.value)} />
    </Labelled>
  );
}

type FiltersOf<Name extends string> = Readonly<Partial<Record<Name, string>>>;

/** Sets one of several filters; empty: takes it away. */
export function useSetFilter<Name extends string>(
  filters: FiltersOf<Name>,
  onChange: (next: FiltersOf<Name>) => void,
): (name: Name, value: string) => void {
  // What was typed comes a moment later: by then another filter may have been chosen, which must not be lost.
  const latest = useRef(filters);
  useEffect(() => {
    latest.current = filters;
  });
  return (name, value) => {
    const { [name]: _old, ...rest } = latest.current;
    onChange((value === '' ? rest : { ...rest, [name]: value }) as FiltersOf<Name>);
  };
}

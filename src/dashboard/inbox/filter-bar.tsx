import { useEffect, useRef, useState } from 'react';
import { Button, Input, Label, SearchField } from 'react-aria-components';
import { useQuery } from '@tanstack/react-query';
import { useKeys } from '../app/keys.ts';
import { useSingleKeys } from '../app/single-keys.ts';
import { toolsQuery } from '../data/queries.ts';
import { useDelayed } from '../ui/use-delayed.ts';
import { STATUS_CHOICES, type InboxFilters } from './filters.ts';

const TEXTS = [
  ['proposer', 'Proposer'],
  ['group', 'Group'],
  ['threadId', 'Thread'],
] as const;

/** Filters are exact; the search looks for words in what the list shows. */
export function Filters({
  filters,
  onChange,
}: {
  readonly filters: InboxFilters;
  readonly onChange: (next: InboxFilters) => void;
}) {
  const search = useRef<HTMLInputElement>(null);
  const tools = useQuery(toolsQuery()).data?.tools ?? [];
  const services = [...new Set(tools.map(({ service }) => service))].toSorted();
  const active = Object.keys(filters).filter((name) => name !== 'q').length;
  const [open, setOpen] = useState(active > 0);
  // What was typed comes a moment later: by then another filter may have been chosen, which must not be lost.
  const latest = useRef(filters);
  useEffect(() => {
    latest.current = filters;
  });
  const set = (name: keyof InboxFilters, value: string): void => {
    const { [name]: _old, ...rest } = latest.current;
    onChange(value === '' ? rest : { ...rest, [name]: value });
  };
  useKeys({
    '/': (event) => {
      event.preventDefault();
      search.current?.focus();
    },
  });
  return (
    <div className="filters" role="search" aria-label="Reviews">
      <div className="filters-main">
        <Searching value={filters.q ?? ''} onChange={(value) => set('q', value)} field={search} />
        <Button className="button" aria-expanded={open} onPress={() => setOpen(!open)}>
          Filters{active > 0 ? ` (${active})` : ''}
        </Button>
      </div>
      {open && (
        <div className="filters-more">
          <Choice label="Status" value={filters.status ?? ''} onChange={(value) => set('status', value)}>
            {STATUS_CHOICES}
          </Choice>
          <Choice label="Service" value={filters.service ?? ''} onChange={(value) => set('service', value)}>
            {[['', 'Any'], ...services.map((name) => [name, name] as const)]}
          </Choice>
          <Choice label="Tool" value={filters.tool ?? ''} onChange={(value) => set('tool', value)}>
            {[['', 'Any'], ...tools.map(({ tool }) => [tool, tool] as const)]}
          </Choice>
          {TEXTS.map(([name, label]) => (
            <Exact key={name} label={label} value={filters[name] ?? ''} onChange={(value) => set(name, value)} />
          ))}
          {active > 0 && (
            <Button className="button" onPress={() => onChange(filters.q === undefined ? {} : { q: filters.q })}>
              Clear filters
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

/** Written to the address a little after the last key, so that typing stays smooth. */
function Searching({
  value,
  onChange,
  field,
}: {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly field: React.RefObject<HTMLInputElement | null>;
}) {
  const [text, setText] = useDelayed(value, onChange);
  const singleKeys = useSingleKeys();
  return (
    <SearchField value={text} onChange={setText} className="react-aria-SearchField search">
      <Label className="unseen-by-eye">Search</Label>
      <Input ref={field} placeholder={singleKeys ? 'Search (press /)' : 'Search'} />
    </SearchField>
  );
}

function Exact({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  const [text, setText] = useDelayed(value, onChange);
  return (
    <label className="field">
      <span>{label}</span>
      <input value={text} onChange={(event) => setText(event.target.value)} />
    </label>
  );
}

function Choice({
  label,
  value,
  onChange,
  children,
}: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly children: readonly (readonly [string, string] | readonly string[])[];
}) {
  const known = children.some(([id]) => id === value);
  return (
    <label className="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {!known && <option value={value}>{value}</option>}
        {children.map(([id, text]) => (
          <option key={id} value={id}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

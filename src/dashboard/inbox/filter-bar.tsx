import { useState } from 'react';
import { Button } from 'react-aria-components';
import { useQuery } from '@tanstack/react-query';
import { toolsQuery } from '../data/queries.ts';
import { Labelled, TextFilter, useSetFilter } from '../ui/filter-fields.tsx';
import { SearchBox } from '../ui/search-box.tsx';
import { words } from '../words.ts';
import { STATUS_CHOICES, type InboxFilters } from './filters.ts';

/** Filters are exact; the search looks for words in what the list shows. */
export function Filters({
  filters,
  onChange,
}: {
  readonly filters: InboxFilters;
  readonly onChange: (next: InboxFilters) => void;
}) {
  const tools = useQuery(toolsQuery()).data?.tools ?? [];
  const active = Object.keys(filters).filter((name) => name !== 'q').length;
  const [open, setOpen] = useState(active > 0);
  const set = useSetFilter<keyof InboxFilters>(filters, onChange);
  const bind = (name: keyof InboxFilters): FieldProps => ({
    value: filters[name] ?? '',
    onChange: (value) => set(name, value),
  });
  return (
    <div className="filters" role="search" aria-label={words.inbox.list}>
      <div className="filters-main">
        <SearchBox label={words.inbox.search} hint={words.inbox.search} {...bind('q')} />
        <Button className="button" aria-expanded={open} onPress={() => setOpen(!open)}>
          {words.inbox.filters(active)}
        </Button>
      </div>
      {open && (
        <div className="filters-more">
          <Choice label={words.inbox.filter.status} {...bind('status')} choices={STATUS_CHOICES} />
          <Choice
            label={words.inbox.filter.service}
            {...bind('service')}
            choices={anyOf(tools.map(({ service }) => service).toSorted())}
          />
          <Choice label={words.inbox.filter.tool} {...bind('tool')} choices={anyOf(tools.map(({ tool }) => tool))} />
          <TextFilter label={words.inbox.filter.proposer} {...bind('proposer')} />
          <TextFilter label={words.inbox.filter.group} {...bind('group')} />
          <TextFilter label={words.inbox.filter.thread} {...bind('threadId')} />
          {active > 0 && (
            <Button className="button" onPress={() => onChange(filters.q === undefined ? {} : { q: filters.q })}>
              {words.search.clear}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

type Choices = readonly (readonly [value: string, text: string])[];

function anyOf(names: readonly string[]): Choices {
  return [['', 'Any'], ...[...new Set(names)].map((name) => [name, name] as const)];
}

interface FieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Choice({
  label,
  value,
  onChange,
  choices,
}: FieldProps & { readonly label: string; readonly choices: Choices }) {
  const known = choices.some(([id]) => id === value);
  return (
    <Labelled label={label}>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {!known && <option value={value}>{value}</option>}
        {choices.map(([id, text]) => (
          <option key={id} value={id}>
            {text}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

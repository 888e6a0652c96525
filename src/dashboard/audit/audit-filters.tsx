import { Button } from 'react-aria-components';
import { LOG_SEARCH } from '../../contract/constants.ts';
import { ENTRY } from '../../domain/lifecycle.ts';
import { Labelled, TextFilter, useSetFilter } from '../ui/filter-fields.tsx';
import { SearchBox } from '../ui/search-box.tsx';
import type { AuditFilterName, AuditSearch } from './entries.ts';
import { words } from '../words.ts';

/** The search looks for words, the filters are exact; both are the server's, and stand in the address. */
export function AuditFilters({
  search,
  onChange,
}: {
  readonly search: AuditSearch;
  readonly onChange: (next: AuditSearch) => void;
}) {
  const set = useSetFilter<AuditFilterName>(search, onChange);
  return (
    <div className="filters-more" role="search" aria-label={words.audit.searchLog}>
      <SearchBox
        label={words.audit.search}
        hint={words.audit.search}
        value={search.q ?? ''}
        onChange={(value) => set('q', value)}
        maxLength={LOG_SEARCH.length}
      />
      <Labelled label={words.audit.type}>
        <select value={search.type ?? ''} onChange={(event) => set('type', event.target.value)}>
          <option value="">{words.audit.anyType}</option>
          {Object.entries(ENTRY).map(([type, { label }]) => (
            <option key={type} value={type}>
              {label}
            </option>
          ))}
        </select>
      </Labelled>
      <TextFilter label={words.audit.person} value={search.person ?? ''} onChange={(value) => set('person', value)} />
      <TextFilter
        label={words.audit.review}
        value={search.reviewId ?? ''}
        onChange={(value) => set('reviewId', value)}
      />
      <TimeFilter label={words.audit.since} value={search.since} onChange={(value) => set('since', value)} />
      <TimeFilter label={words.audit.until} value={search.until} onChange={(value) => set('until', value)} />
      {Object.keys(search).length > 0 && (
        <Button className="button" onPress={() => onChange({})}>
          {words.search.clear}
        </Button>
      )}
    </div>
  );
}

/** In the reader's own time zone; in the address as UTC. */
function TimeFilter(props: {
  readonly label: string;
  readonly value: string | undefined;
  readonly onChange: (value: string) => void;
}) {
  const { label, value, onChange } = props;
  return (
    <Labelled label={label}>
      <input
        type="datetime-local"
        value={value === undefined ? '' : localInput(value)}
        onChange={(event) => {
          const time = Date.parse(event.target.value);
          onChange(Number.isNaN(time) ? '' : new Date(time).toISOString());
        }}
      />
    </Labelled>
  );
}

function localInput(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return '';
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

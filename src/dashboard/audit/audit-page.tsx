import { useNavigate, useSearch } from '@tanstack/react-router';
import { Button } from 'react-aria-components';
import { usePageTitle } from '../ui/hooks.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { AuditFilters } from './audit-filters.tsx';
import { EntryList } from './entry-list.tsx';
import { exportAddress, readAuditFilter, useEntries, type AuditSearch, type EntriesFound } from './entries.ts';
import { VerifyLog } from './verify-log.tsx';

/** The log, newest first: searched on the server, checked here. */
export function AuditPage() {
  usePageTitle('Audit');
  const search = readAuditFilter(useSearch({ from: '/audit' }));
  const navigate = useNavigate();
  const found = useEntries(search);
  const { state, entries, further } = found;
  const isFiltered = Object.keys(search).length > 0;
  const change = (next: AuditSearch): void => void navigate({ to: '/audit', search: { ...next }, replace: true });
  return (
    <div className="audit">
      <h1>Audit</h1>
      <p className="quiet">
        Everything that happened, in a log that can only grow. Entries hold names and digests, never arguments or
        results.
      </p>
      <VerifyLog shown={entries} />
      <AuditFilters search={search} onChange={change} />
      <p className="buttons">
        <a className="button button-small" href={exportAddress(search, 'jsonl')} download>
          Export JSON Lines
        </a>
        <a className="button button-small" href={exportAddress(search, 'csv')} download>
          Export CSV
        </a>
        <span className="quiet" role="status">
          {state === 'ready' && isFiltered && `${entries.length} found${further.kind === 'end' ? '' : ' so far'}`}
        </span>
      </p>
      {state === 'loading' && <Loading what={isFiltered ? 'Searching the log' : 'Reading the log'} />}
      {state === 'failed' && <Failure what="The log could not be read" retry={found.retry} />}
      {state === 'refused' && (
        <Failure what="The log cannot be searched like this: one of the filters is incomplete, or the search is too long" />
      )}
      {state === 'ready' && entries.length === 0 && further.kind === 'end' && (
        <Empty title="No entry fits">
          {isFiltered && <p>The whole log was looked through. Take words or filters away to see more.</p>}
        </Empty>
      )}
      {entries.length > 0 && (
        <EntryList
          // What is found is another list: it begins at its first entry.
          key={JSON.stringify(search)}
          entries={entries}
          isWhole={further.kind === 'end'}
          loadMore={found.loadMore}
        />
      )}
      {state === 'ready' && <FurtherBack found={found} isFiltered={isFiltered} />}
    </div>
  );
}

function FurtherBack({ found, isFiltered }: { readonly found: EntriesFound; readonly isFiltered: boolean }) {
  const { further, backTo } = found;
  switch (further.kind) {
    case 'reading':
      return <Loading what={isFiltered ? `Searching before entry #${backTo}` : 'Reading older entries'} />;
    case 'failed':
      return <Failure what="The log could not be read further" retry={further.retry} />;
    case 'asks':
      return (
        <Empty title={`Looked through everything back to entry #${backTo}`}>
          <Button className="button" onPress={further.goOn}>
            Search further back
          </Button>
        </Empty>
      );
    case 'more':
    case 'end':
      return null;
    default:
      return further satisfies never;
  }
}

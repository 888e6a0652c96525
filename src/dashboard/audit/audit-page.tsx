import { useNavigate, useSearch } from '@tanstack/react-router';
import { Button } from 'react-aria-components';
import { usePageTitle } from '../ui/hooks.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { AuditFilters } from './audit-filters.tsx';
import { EntryList } from './entry-list.tsx';
import { exportAddress, readAuditFilter, useEntries, type AuditSearch, type EntriesFound } from './entries.ts';
import { VerifyLog } from './verify-log.tsx';
import { words } from '../words.ts';

/** The log, newest first: searched on the server, checked here. */
export function AuditPage() {
  usePageTitle(words.audit.title);
  const search = readAuditFilter(useSearch({ from: '/audit' }));
  const navigate = useNavigate();
  const found = useEntries(search);
  const { state, entries, further } = found;
  const isFiltered = Object.keys(search).length > 0;
  const change = (next: AuditSearch): void => void navigate({ to: '/audit', search: { ...next }, replace: true });
  return (
    <div className="audit">
      <h1>{words.audit.title}</h1>
      <p className="quiet">{words.audit.about}</p>
      <VerifyLog shown={entries} />
      <AuditFilters search={search} onChange={change} />
      <p className="buttons">
        <a className="button button-small" href={exportAddress(search, 'jsonl')} download>
          {words.audit.exportJson}
        </a>
        <a className="button button-small" href={exportAddress(search, 'csv')} download>
          {words.audit.exportCsv}
        </a>
        <span className="quiet" role="status">
          {state === 'ready' && isFiltered && words.audit.found(entries.length, further.kind === 'end')}
        </span>
      </p>
      {state === 'loading' && <Loading what={isFiltered ? words.audit.searching : words.audit.loading} />}
      {state === 'failed' && <Failure what={words.audit.failed} retry={found.retry} />}
      {state === 'refused' && <Failure what={words.audit.refused} />}
      {state === 'ready' && entries.length === 0 && further.kind === 'end' && (
        <Empty title={words.audit.none}>{isFiltered && <p>{words.audit.noneHint}</p>}</Empty>
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
      return <Loading what={isFiltered ? words.audit.searchingBefore(backTo) : words.audit.loadingOlder} />;
    case 'failed':
      return <Failure what={words.audit.olderFailed} retry={further.retry} />;
    case 'asks':
      return (
        <Empty title={words.audit.searchedTo(backTo)}>
          <Button className="button" onPress={further.goOn}>
            {words.audit.searchOlder}
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

import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Button } from 'react-aria-components';
import { usePageTitle } from '../ui/page-title.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { AuditFilters } from './audit-filters.tsx';
import { EntryList } from './entry-list.tsx';
import { entriesQuery, exportAddress, readAuditFilter, type AuditSearch } from './entries-query.ts';
import { VerifyLog } from './verify-log.tsx';

/** The log, newest first: searched on the server, checked here. */
export function AuditPage() {
  usePageTitle('Audit');
  const search = readAuditFilter(useSearch({ from: '/audit' }));
  const navigate = useNavigate();
  const pages = useInfiniteQuery(entriesQuery(search));
  const entries = pages.data?.pages.flatMap((page) => page.entries) ?? [];
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
      </p>
      {pages.isPending && <Loading what="Reading the log" />}
      {pages.isError && <Failure what="The log could not be read" retry={() => void pages.refetch()} />}
      {pages.isSuccess && entries.length === 0 && !pages.hasNextPage && <Empty title="No entry fits" />}
      <EntryList entries={entries} />
      {pages.hasNextPage && (
        <p>
          <Button className="button" onPress={() => void pages.fetchNextPage()} isDisabled={pages.isFetchingNextPage}>
            {entries.length === 0 ? 'Nothing in the newest part. Search further back' : 'Older entries'}
          </Button>
        </p>
      )}
    </div>
  );
}

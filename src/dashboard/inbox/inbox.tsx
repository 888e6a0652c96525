import { useEffect, useMemo, useState } from 'react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useNow } from '../data/clock.ts';
import { usePageTitle } from '../ui/page-title.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Filters } from './filter-bar.tsx';
import type { InboxFilters } from './filters.ts';
import { keepInboxView } from './last-view.ts';
import { InboxRows } from './inbox-rows.tsx';
import { useInbox } from './use-inbox.ts';

/** What waits: mine first, by deadline. What is shown stands in the address. */
export function Inbox() {
  usePageTitle('Inbox');
  const filters = useSearch({ from: '/' });
  const navigate = useNavigate({ from: '/' });
  useEffect(() => keepInboxView(filters), [filters]);
  const [openGroups, setOpenGroups] = useState<ReadonlySet<string>>(new Set());
  const now = useNow();
  const list = useInbox(filters, openGroups, now);
  const setFilters = (next: InboxFilters): void => void navigate({ search: next, replace: true });
  const toggle = (key: string): void =>
    setOpenGroups((open) =>
      open.has(key) ? new Set([...open].filter((one) => one !== key)) : new Set([...open, key]),
    );
  const isFiltered = useMemo(() => Object.keys(filters).length > 0, [filters]);
  return (
    <>
      <div className="inbox-head">
        <h1>Inbox</h1>
        <p className="quiet" role="status">
          {list.state === 'ready' && countWords(list.shown, list.hasMore, filters.q, list.looked)}
        </p>
      </div>
      <Filters filters={filters} onChange={setFilters} />
      {list.state === 'loading' && <Loading what="Loading reviews" />}
      {list.state === 'failed' && <Failure what="The list could not be read" retry={list.retry} />}
      {list.state === 'ready' && list.items.length === 0 && !list.isLoadingMore && (
        <Empty title={isFiltered ? 'Nothing fits these filters' : 'Nothing waits'}>
          <p>
            {isFiltered
              ? 'Take some of them away to see more.'
              : 'What agents propose and policy holds appears here by itself.'}
          </p>
        </Empty>
      )}
      {list.items.length > 0 && <InboxRows list={list} now={now} onToggle={toggle} />}
    </>
  );
}

function countWords(shown: number, hasMore: boolean, search: string | undefined, looked: number): string {
  if (search !== undefined) return `${shown} found in ${looked}${hasMore ? ', still looking' : ''}`;
  return `${shown}${hasMore ? ' and more' : ''}`;
}

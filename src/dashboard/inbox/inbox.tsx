import { useEffect, useMemo, useState } from 'react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReviewRow } from '../../contract/review.ts';
import { voterOf, waitsFor } from '../../domain/eligibility.ts';
import { useNow } from '../data/clock.ts';
import { listQuery, rowsOf } from '../data/queries.ts';
import { useSession } from '../session/session.ts';
import { usePageTitle } from '../ui/hooks.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Filters } from './filter-bar.tsx';
import { isWaiting, keepInboxView, toListFilter, type InboxFilters } from './filters.ts';
import { foldGroups, matchesSearch, type InboxItem } from './fold.ts';
import { InboxRows } from './inbox-rows.tsx';

/** What waits: mine first, by deadline. The filters are in the address. */
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
          <p>{isFiltered ? 'Clear some of them to see more.' : 'Calls that policy holds appear here on their own.'}</p>
        </Empty>
      )}
      {list.items.length > 0 && <InboxRows items={list.items} loadMore={list.loadMore} now={now} onToggle={toggle} />}
    </>
  );
}

function countWords(shown: number, hasMore: boolean, search: string | undefined, looked: number): string {
  if (search !== undefined) return `${shown} found in ${looked}${hasMore ? ', still looking' : ''}`;
  return `${shown}${hasMore ? ' and more' : ''}`;
}

/** What waits for me, then what else waits; or one list by status. Pages come as they are scrolled to. */
function useInbox(filters: InboxFilters, openGroups: ReadonlySet<string>, now: number) {
  const { reviewer } = useSession();
  const mineFirst = isWaiting(filters) && reviewer.role === 'reviewer';
  const filter = toListFilter(filters);
  const mine = useInfiniteQuery({
    ...listQuery({ ...filter, status: 'pending', approver: 'me' }),
    enabled: mineFirst,
  });
  // Others are fetched at once, and shown only when mine are complete, so that mine come first.
  const others = useInfiniteQuery(listQuery(filter));
  // Few, if any, so one page of them is enough here; the status filter has the rest.
  const notRun = useInfiniteQuery({
    ...listQuery({ ...filter, status: 'approved', execution: 'not_started' }),
    enabled: mineFirst,
  });
  const search = filters.q?.trim() ?? '';

  const mineDone = !mineFirst || (mine.data !== undefined && !mine.hasNextPage);
  const loadedMine = useMemo(() => (mineFirst ? rowsOf(mine.data) : []), [mineFirst, mine.data]);
  const loadedOthers = useMemo(
    () => (mineDone ? rowsOf(others.data).filter((row) => !mineFirst || !waitsFor(row, voterOf(reviewer))) : []),
    [mineDone, mineFirst, others.data, reviewer],
  );
  const delayed = useMemo(() => (mineFirst && mineDone ? rowsOf(notRun.data) : []), [mineFirst, mineDone, notRun.data]);
  // Nearly every approved call starts at once, and would only flash up here.
  const loadedNotRun = delayed.every((row) => isDelayed(row, now))
    ? delayed
    : delayed.filter((row) => isDelayed(row, now));
  const items = useMemo(
    () => layOut(loadedMine, loadedNotRun, loadedOthers, { mineFirst, search, openGroups }),
    [loadedMine, loadedNotRun, loadedOthers, mineFirst, search, openGroups],
  );
  const next = mineDone ? others : mine;
  const isLoadingMore = mine.isFetchingNextPage || others.isFetchingNextPage;
  const hasMore = next.hasNextPage;
  const { fetchNextPage } = next;
  const loadMore = (): void => {
    if (hasMore && !isLoadingMore) void fetchNextPage({ cancelRefetch: false });
  };
  // Searching looks through everything there is, page by page.
  useEffect(() => {
    if (search !== '' && hasMore && !isLoadingMore) void fetchNextPage({ cancelRefetch: false });
  }, [search, hasMore, isLoadingMore, fetchNextPage]);

  const first = mineFirst ? mine : others;
  return {
    state: first.data !== undefined ? 'ready' : first.isError ? 'failed' : 'loading',
    items,
    /** Reviews that are shown, folded or not. */
    shown: items.reduce((sum, item) => sum + countOf(item), 0),
    /** Reviews that were looked at for the search. */
    looked: loadedMine.length + loadedNotRun.length + loadedOthers.length,
    hasMore,
    isLoadingMore,
    loadMore,
    retry: () => void Promise.all([mineFirst ? mine.refetch() : undefined, others.refetch()]),
  };
}

const START_WITHIN_MS = 3_000;

function isDelayed({ resolvedAt }: ReviewRow, now: number): boolean {
  return resolvedAt !== null && now - Date.parse(resolvedAt) > START_WITHIN_MS;
}

function layOut(
  mine: readonly ReviewRow[],
  notRun: readonly ReviewRow[],
  others: readonly ReviewRow[],
  options: { readonly mineFirst: boolean; readonly search: string; readonly openGroups: ReadonlySet<string> },
): readonly InboxItem[] {
  const { mineFirst, search, openGroups } = options;
  const keep = (rows: readonly ReviewRow[]) =>
    search === '' ? rows : rows.filter((row) => matchesSearch(row, search));
  const section = (name: string, text: string, rows: readonly ReviewRow[]): readonly InboxItem[] =>
    rows.length === 0 ? [] : [{ kind: 'heading', key: name, text }, ...foldGroups(rows, name, openGroups)];
  if (!mineFirst) return foldGroups(keep(others), 'all', openGroups);
  return [
    ...section('mine', 'Waiting for you', keep(mine)),
    ...section('not-run', 'Approved, not run yet', keep(notRun)),
    ...section('others', 'Waiting for others', keep(others)),
  ];
}

function countOf(item: InboxItem): number {
  if (item.kind === 'heading') return 0;
  if (item.kind === 'review') return item.inGroup ? 0 : 1;
  return item.rows.length;
}

import { useEffect, useMemo, useState } from 'react';
import { Button } from 'react-aria-components';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReviewRow } from '../../contract/review.ts';
import { voterOf, waitsFor } from '../../domain/eligibility.ts';
import { useNow } from '../data/clock.ts';
import { listQuery, rowsOf } from '../data/queries.ts';
import { useSession } from '../session/session.ts';
import { usePageTitle } from '../ui/hooks.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { TimeLeft } from '../ui/times.tsx';
import { Visible } from '../ui/visible.tsx';
import { words } from '../words.ts';
import { Filters } from './filter-bar.tsx';
import { useHeldList } from './held-list.ts';
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
  const { items, gone, fresh, release } = useHeldList(list.items, JSON.stringify([filters, [...openGroups]]));
  const setFilters = (next: InboxFilters): void => void navigate({ search: next, replace: true });
  const toggle = (key: string): void =>
    setOpenGroups((open) =>
      open.has(key) ? new Set([...open].filter((one) => one !== key)) : new Set([...open, key]),
    );
  return (
    <>
      <div className="inbox-head">
        <h1>{words.shell.inbox}</h1>
        <p className="quiet" role="status">
          {list.state === 'ready' &&
            (filters.q === undefined
              ? words.inbox.count(list.shown, list.hasMore)
              : words.inbox.found(list.shown, list.looked, list.hasMore))}
        </p>
      </div>
      <Filters filters={filters} onChange={setFilters} />
      <News fresh={fresh} gone={gone} now={now} onShow={release} />
      {list.state === 'loading' && <Loading what={words.inbox.loading} />}
      {list.state === 'failed' && <Failure what={words.inbox.failed} error={list.error} retry={list.retry} />}
      {list.state === 'ready' && list.items.length === 0 && items.length === 0 && !list.isLoadingMore && (
        <NothingHere filters={filters} onChange={setFilters} />
      )}
      {items.length > 0 && <InboxRows {...{ items, gone, now }} loadMore={list.loadMore} onToggle={toggle} />}
    </>
  );
}

/** Says what the list would show if it moved. It lies over the page, so that it moves nothing itself. */
function News({
  fresh,
  gone,
  now,
  onShow,
}: {
  readonly fresh: readonly InboxItem[];
  readonly gone: ReadonlySet<string>;
  readonly now: number;
  readonly onShow: () => void;
}) {
  const rows = fresh.flatMap(rowsOfItem);
  const until = rows.map(({ expiresAt }) => expiresAt ?? '~').toSorted()[0];
  return (
    <div className="news" role="status">
      {(rows.length > 0 || gone.size > 0) && (
        <Button className="button button-small button-news" onPress={onShow}>
          {rows.length > 0 ? (
            <>
              {words.inbox.showNew(rows.length)}
              {until !== undefined && until !== '~' && <TimeLeft until={until} now={now} />}
            </>
          ) : (
            words.inbox.update
          )}
        </Button>
      )}
    </div>
  );
}

/** Why nothing is listed, and how to see more. */
function NothingHere({
  filters,
  onChange,
}: {
  readonly filters: InboxFilters;
  readonly onChange: (next: InboxFilters) => void;
}) {
  const { q, ...exact } = filters;
  const isFiltered = Object.keys(exact).length > 0;
  if (q === undefined && !isFiltered) {
    return (
      <Empty title={words.inbox.nothingWaits}>
        <p>{words.inbox.comesByItself}</p>
      </Empty>
    );
  }
  return (
    <Empty title={<Visible text={q === undefined ? words.inbox.noneFiltered : words.inbox.noneFound(q)} />}>
      <div className="buttons">
        {q !== undefined && (
          <Button className="button" onPress={() => onChange(exact)}>
            {words.inbox.clearSearch}
          </Button>
        )}
        {isFiltered && (
          <Button className="button" onPress={() => onChange(q === undefined ? {} : { q })}>
            {words.search.clear}
          </Button>
        )}
      </div>
    </Empty>
  );
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

  // What is read later would come between rows that are shown already.
  const mineDone = !mineFirst || (mine.data !== undefined && !mine.hasNextPage && !notRun.isPending);
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
    error: first.error,
    items,
    /** Reviews that are shown, folded or not. */
    shown: items.reduce((sum, item) => sum + rowsOfItem(item).length, 0),
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
    ...section('mine', words.inbox.mine, keep(mine)),
    ...section('not-run', words.inbox.notRun, keep(notRun)),
    ...section('others', words.inbox.others, keep(others)),
  ];
}

/** Folded or not, each once. */
function rowsOfItem(item: InboxItem): readonly ReviewRow[] {
  if (item.kind === 'heading') return [];
  if (item.kind === 'review') return item.inGroup ? [] : [item.row];
  return item.rows;
}

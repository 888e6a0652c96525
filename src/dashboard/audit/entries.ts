import { useEffect, useMemo, useState } from 'react';
import { infiniteQueryOptions, useInfiniteQuery } from '@tanstack/react-query';
import type { AuditPage } from '../../contract/api.ts';
import type { IndexedEntry } from '../../contract/audit.ts';
import { getJson, RequestError } from '../data/client.ts';

const NAMES = ['q', 'reviewId', 'type', 'person', 'since', 'until'] as const;
export type AuditFilterName = (typeof NAMES)[number];
/** As in the address, and as the API takes it. */
export type AuditSearch = Readonly<Partial<Record<AuditFilterName, string>>>;

/** Entries that fill a screen. */
const FIRST_PAGE = 50;
const NEXT_PAGES = 200;

/** What of an address is a filter. */
export function readAuditFilter(search: Readonly<Record<string, string>>): AuditSearch {
  return Object.fromEntries(
    NAMES.flatMap((name) => (search[name] === undefined || search[name] === '' ? [] : [[name, search[name]]])),
  );
}

function entriesQuery(search: AuditSearch) {
  return infiniteQueryOptions({
    queryKey: ['audit', search] as const,
    queryFn: ({ pageParam }) => {
      const limit = String(pageParam === null ? FIRST_PAGE : NEXT_PAGES);
      const query = new URLSearchParams({ ...search, order: 'desc', limit });
      if (pageParam !== null) query.set('from', String(pageParam));
      return getJson<AuditPage>(`/v1/audit/entries?${query.toString()}`);
    },
    initialPageParam: null as number | null,
    // Always further back: whatever an answer says, reading on comes to an end.
    getNextPageParam: ({ nextFrom }: AuditPage, _pages: readonly AuditPage[], from: number | null) =>
      nextFrom !== null && (from === null || nextFrom < from) ? nextFrom : null,
  });
}

export function exportAddress(search: AuditSearch, format: 'jsonl' | 'csv'): string {
  return `/v1/audit/export?${new URLSearchParams({ ...search, format }).toString()}`;
}

/** Requests that found little, after which the reader is asked whether to go on: 200,000 entries were looked through. */
const MOST_AT_ONCE = 40;

/** How it goes on behind the last entry that is shown. */
export type Further =
  /** That was the beginning of the log. */
  | { readonly kind: 'end' }
  | { readonly kind: 'reading' }
  /** Older ones are read when the list is scrolled to its end. */
  | { readonly kind: 'more' }
  | { readonly kind: 'asks'; readonly goOn: () => void }
  | { readonly kind: 'failed'; readonly retry: () => void };

export interface EntriesFound {
  readonly state: 'loading' | 'failed' | 'refused' | 'ready';
  readonly entries: readonly IndexedEntry[];
  /** Everything from this index on has been looked through. */
  readonly backTo: number;
  readonly further: Further;
  readonly loadMore: () => void;
  readonly retry: () => void;
}

/**
 * Entries that fit, newest first. The server looks through a part of the log at a time, so a page may hold few or none: it
 * is asked again until a screen is full, or the log has ended, or it has been asked often enough.
 */
export function useEntries(search: AuditSearch): EntriesFound {
  const query = useInfiniteQuery(entriesQuery(search));
  const { data, hasNextPage, fetchStatus, isError, error, fetchNextPage, refetch } = query;
  const entries = useMemo(() => data?.pages.flatMap((page) => page.entries) ?? [], [data]);

  const key = JSON.stringify(search);
  const [allowed, setAllowed] = useState({ key, requests: MOST_AT_ONCE });
  const requests = allowed.key === key ? allowed.requests : MOST_AT_ONCE;
  const poor = data?.pages.filter((page) => page.entries.length < FIRST_PAGE && page.nextFrom !== null).length ?? 0;
  const mayRead = hasNextPage && poor < requests && !isError;
  const wantsMore = mayRead && entries.length < FIRST_PAGE;

  const next = (): void => void fetchNextPage({ cancelRefetch: false });
  const loadMore = (): void => {
    if (mayRead && fetchStatus === 'idle') next();
  };
  // After each answer, empty ones too.
  useEffect(() => {
    if (wantsMore) loadMore();
  });

  // What was asked for is no question to the server: asking again changes nothing.
  const isRefusal = error instanceof RequestError && error.status === 400;
  return {
    state: data !== undefined ? 'ready' : isError ? (isRefusal ? 'refused' : 'failed') : 'loading',
    entries,
    backTo: (data?.pages.at(-1)?.nextFrom ?? -1) + 1,
    further: furtherOf(),
    loadMore,
    retry: () => void refetch(),
  };

  function furtherOf(): Further {
    if (query.isFetchingNextPage || wantsMore) return { kind: 'reading' };
    if (isError) return { kind: 'failed', retry: query.isFetchNextPageError ? next : () => void refetch() };
    if (!hasNextPage) return { kind: 'end' };
    if (mayRead) return { kind: 'more' };
    return { kind: 'asks', goOn: () => setAllowed({ key, requests: poor + MOST_AT_ONCE }) };
  }
}

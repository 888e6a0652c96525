import { infiniteQueryOptions } from '@tanstack/react-query';
import type { AuditPage } from '../../contract/api.ts';
import { getJson } from '../data/client.ts';

const NAMES = ['q', 'reviewId', 'type', 'person', 'since', 'until'] as const;
export type AuditFilterName = (typeof NAMES)[number];
/** As in the address, and as the API takes it. */
export type AuditSearch = Readonly<Partial<Record<AuditFilterName, string>>>;

/** Entries that fill a screen. */
export const FIRST_PAGE = 50;
const NEXT_PAGES = 200;

/** What of an address is a filter. */
export function readAuditFilter(search: Readonly<Record<string, string>>): AuditSearch {
  return Object.fromEntries(
    NAMES.flatMap((name) => (search[name] === undefined || search[name] === '' ? [] : [[name, search[name]]])),
  );
}

export function entriesQuery(search: AuditSearch) {
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

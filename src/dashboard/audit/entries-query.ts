import { infiniteQueryOptions } from '@tanstack/react-query';
import type { AuditPage } from '../../contract/api.ts';
import { getJson } from '../data/client.ts';

const NAMES = ['reviewId', 'type', 'person', 'since', 'until'] as const;
export type AuditFilterName = (typeof NAMES)[number];
/** As in the address, and as the API takes it. */
export type AuditSearch = Readonly<Partial<Record<AuditFilterName, string>>>;

const PAGE = 50;

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
      const query = new URLSearchParams({ ...search, order: 'desc', limit: String(PAGE) });
      if (pageParam !== null) query.set('from', String(pageParam));
      return getJson<AuditPage>(`/v1/audit/entries?${query.toString()}`);
    },
    initialPageParam: null as number | null,
    getNextPageParam: (page: AuditPage) => page.nextFrom,
  });
}

export function exportAddress(search: AuditSearch, format: 'jsonl' | 'csv'): string {
  return `/v1/audit/export?${new URLSearchParams({ ...search, format }).toString()}`;
}

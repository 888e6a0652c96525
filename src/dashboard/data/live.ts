import { useEffect } from 'react';
import { useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query';
import type { ReviewRow } from '../../contract/review.ts';
import type { ReviewPage } from '../../client/reviews.ts';
import { client, whenStreamOpened } from './client.ts';
import { connection, setConnection } from './connection.ts';
import type { Voter } from '../../domain/eligibility.ts';
import { placeRow, type ListFilter } from './place-row.ts';
import { latestRowKey } from './queries.ts';

/** Keeps every list and every open review current while signed in: one stream for the whole page. */
export function useLiveChanges(me: Voter): void {
  const queries = useQueryClient();
  const { id } = me;
  const groups = me.groups.join('\n');
  useEffect(() => {
    let stop = new AbortController();
    const start = (): void => void follow(queries, { id, groups: groups.split('\n') }, stop.signal);
    whenStreamOpened(() => refreshAll(queries));
    start();
    const offline = (): void => setConnection('offline');
    const online = (): void => {
      if (connection() === 'offline') setConnection('lost');
      // The stream of before may be dead without a sign of it.
      stop.abort();
      stop = new AbortController();
      start();
    };
    window.addEventListener('offline', offline);
    window.addEventListener('online', online);
    return () => {
      stop.abort();
      window.removeEventListener('offline', offline);
      window.removeEventListener('online', online);
    };
  }, [queries, id, groups]);
}

async function follow(queries: QueryClient, me: Voter, signal: AbortSignal): Promise<void> {
  try {
    for await (const { review } of client.reviews.watch({ signal })) {
      setConnection('live');
      take(queries, review, me);
    }
  } catch {
    // Refused for good: signed out, which every request notices.
    if (!signal.aborted) setConnection('lost');
  }
}

function take(queries: QueryClient, row: ReviewRow, me: Voter): void {
  queries.setQueryData(latestRowKey(row.reviewId), row);
  for (const [key] of queries.getQueriesData<InfiniteData<ReviewPage>>({ queryKey: ['reviews'] })) {
    const filter = key[1] as ListFilter;
    queries.setQueryData<InfiniteData<ReviewPage>>(
      key,
      (data) => data && { ...data, pages: placeRow(data.pages, row, filter, me) },
    );
  }
  void queries.invalidateQueries({ queryKey: ['review', row.reviewId] });
}

function refreshAll(queries: QueryClient): void {
  void queries.invalidateQueries({ queryKey: ['reviews'] });
  void queries.invalidateQueries({ queryKey: ['review'] });
}

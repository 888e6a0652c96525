import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { Review, ReviewRow } from '../../contract/review.ts';
import type { Readiness, ToolList, ToolView } from '../../contract/api.ts';
import type { ReviewPage } from '../../client/reviews.ts';
import { client, getJson } from './client.ts';
import type { ListFilter } from './place-row.ts';

const FIRST_PAGE = 50;
const NEXT_PAGES = 200;

/** One list, page by page; kept current by `data/live.ts`. */
export function listQuery(filter: ListFilter) {
  return infiniteQueryOptions({
    queryKey: ['reviews', filter] as const,
    queryFn: ({ pageParam }): Promise<ReviewPage> =>
      client.reviews.list({
        ...filter,
        limit: pageParam === null ? FIRST_PAGE : NEXT_PAGES,
        ...(pageParam === null ? {} : { cursor: pageParam }),
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page: ReviewPage) => page.nextCursor,
  });
}

export function rowsOf(data: { readonly pages: readonly ReviewPage[] } | undefined): readonly ReviewRow[] {
  return data?.pages.flatMap((page) => page.reviews) ?? [];
}

/** Where the last change of a review is kept for a while, although the lists that it left do not have it any more. */
export function latestRowKey(reviewId: string) {
  return ['row', reviewId] as const;
}

export function reviewQuery(reviewId: string) {
  return queryOptions({
    queryKey: ['review', reviewId] as const,
    queryFn: ({ signal }): Promise<Review> => client.reviews.get(reviewId, { signal }),
  });
}

/** What is wrong in changed files, which are not in force then, a line for each mistake; null: nothing. */
export const filesProblemQuery = queryOptions({
  queryKey: ['files'] as const,
  // Answers 503 where a part is down, with what is wrong there too.
  queryFn: async (): Promise<string | null> => {
    const { problems = [] } = (await (await fetch('/readyz')).json()) as Readiness;
    return problems.find(({ code }) => code === 'config_not_in_force')?.message ?? null;
  },
  refetchInterval: 20_000,
});

/** What is frozen. Read again by itself: a freeze belongs to no review, so no event tells of it. */
export const freezesQuery = queryOptions({
  queryKey: ['freezes'] as const,
  queryFn: () => client.freezes.list(),
  refetchInterval: 10_000,
});

export function toolsQuery() {
  return queryOptions({
    queryKey: ['tools'] as const,
    queryFn: () => getJson<ToolList>('/v1/tools'),
    staleTime: 5 * 60_000,
  });
}

export function toolQuery(tool: string) {
  return queryOptions({
    queryKey: ['tool', tool] as const,
    queryFn: () => getJson<ToolView>(`/v1/tools/${encodeURIComponent(tool)}`),
  });
}

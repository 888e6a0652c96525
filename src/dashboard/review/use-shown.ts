import { useMemo } from 'react';
import { queryOptions, useQuery } from '@tanstack/react-query';
import type { Material, Review } from '../../contract/review.ts';
import { showReview } from '../../domain/show/show-review.ts';
import type { Shown } from '../../domain/show/shown.ts';
import { client } from '../data/client.ts';
import { serverNow } from '../data/clock.ts';
import { toolQuery } from '../data/queries.ts';

/** A review as every door shows it. Which context is pinned only the configuration knows. */
export function useShown(review: Review): Shown {
  const tool = useQuery({ ...toolQuery(review.call.tool), enabled: review.kind === 'call' }).data;
  const { materials } = useEarlier(review);
  return useMemo(
    () =>
      showReview(review, {
        now: serverNow(),
        tool,
        pinned: null,
        withAnswer: true,
        ...(materials === undefined ? {} : { materials }),
      }),
    [review, tool, materials],
  );
}

interface Earlier {
  readonly state: 'none' | 'reading' | 'failed' | 'gone' | 'known';
  readonly materials: readonly Material[] | undefined;
  readonly retry: () => void;
}

/** The version before the one that is shown: earlier versions come with the proof. */
export function useEarlier(review: Review): Earlier {
  const { revision } = review;
  const read = useQuery({ ...materialsQuery(review), enabled: revision > 1 });
  const retry = (): void => void read.refetch();
  const materials = read.data;
  if (revision === 1) return { state: 'none', materials, retry };
  if (materials === undefined) return { state: read.isError ? 'failed' : 'reading', materials, retry };
  // What retention has erased is not there to compare.
  const isKnown = materials.some((material) => material.revision === revision - 1) && review.call.arguments !== null;
  return { state: isKnown ? 'known' : 'gone', materials, retry };
}

function materialsQuery({ reviewId, revision }: Review) {
  return queryOptions({
    queryKey: ['materials', reviewId, revision] as const,
    queryFn: async () => (await client.reviews.proof(reviewId)).materials as readonly Material[],
    staleTime: Number.POSITIVE_INFINITY,
    // The checkpoint that a proof needs comes a moment after the entries.
    retry: 3,
  });
}

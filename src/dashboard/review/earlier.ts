import { queryOptions, useQuery } from '@tanstack/react-query';
import { comparable } from '../../domain/show/comparable.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { Material, Review } from '../../contract/review.ts';
import { diffJson } from '../ui/diff.ts';
import { client } from '../data/client.ts';

/** The version before the one that is shown: earlier versions come with the proof. */
export type Earlier =
  | { readonly state: 'none' | 'reading' | 'gone' }
  | { readonly state: 'failed'; readonly retry: () => void }
  | { readonly state: 'known'; readonly before: Compared; readonly after: Compared };

interface Compared {
  readonly arguments: JsonObject;
  /** Class, target, evidence, context, levels, deadline. */
  readonly rest: JsonObject;
}

export function useEarlier(review: Review): Earlier {
  const read = useQuery({ ...materialsQuery(review), enabled: review.revision > 1 });
  const { arguments: args } = review.call;
  if (review.revision === 1) return { state: 'none' };
  if (read.isError) return { state: 'failed', retry: () => void read.refetch() };
  if (read.data === undefined) return { state: 'reading' };
  const before = read.data.find(({ revision }) => revision === review.revision - 1);
  // What retention has erased is not there to compare.
  if (before === undefined || args === null || review.class === null) return { state: 'gone' };
  const after = {
    class: review.class,
    arguments: args,
    target: review.target,
    evidence: review.evidence.at(0) ?? null,
    context: review.context,
    levels: review.levels.map(({ name, approvers, quorum, escalation }) => ({ name, approvers, quorum, escalation })),
    separationOfDuties: review.separationOfDuties,
    expiresAt: review.expiresAt,
  };
  const isSameCall = diffJson(before.arguments, args).every(({ kind }) => kind === 'same');
  return { state: 'known', before: split(before, isSameCall), after: split(after, isSameCall) };
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

function split(version: Parameters<typeof comparable>[0], isSameCall: boolean): Compared {
  const { arguments: _shownBefore, ...rest } = comparable(version, isSameCall);
  return { arguments: version.arguments, rest };
}

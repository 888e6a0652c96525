import { useQuery } from '@tanstack/react-query';
import type { Material, Review } from '../../contract/review.ts';
import { client } from '../data/client.ts';
import { JsonDiff } from '../ui/json-diff.tsx';
import { Visible } from '../ui/visible.tsx';
import { Piece } from './seen.tsx';

/** What this version changed against the one before it: earlier arguments come with the proof. */
export function Changes({ review }: { readonly review: Review }) {
  const current = review.revisions.at(-1);
  const earlier = useQuery({
    queryKey: ['materials', review.reviewId, review.revision],
    queryFn: async () => (await client.reviews.proof(review.reviewId)).materials as readonly Material[],
    enabled: review.revision > 1,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (review.revision === 1 || current === undefined) return 'Nothing: this is the first version';
  const before = earlier.data?.find(({ revision }) => revision === review.revision - 1);
  return (
    <>
      Version {review.revision}, by <Visible text={current.by} />
      {earlier.isPending && <span className="quiet"> (reading the one before…)</span>}
      {earlier.isError && <span className="quiet"> (the one before could not be read; see the proof)</span>}
      {before !== undefined && review.call.arguments !== null && (
        <JsonDiff
          before={before.arguments}
          after={review.call.arguments}
          label="Changes since the version before"
          line={asPiece}
        />
      )}
    </>
  );
}

function asPiece(text: React.ReactNode): React.ReactNode {
  return <Piece>{text}</Piece>;
}

import type { Review } from '../../contract/review.ts';
import { useEarlier } from '../review/use-shown.ts';
import { words } from '../words.ts';

/** Said where the decision is made: that nobody could compare this version with the one before. */
export function NotCompared({ review }: { readonly review: Review }) {
  const { state } = useEarlier(review);
  if (state !== 'failed' && state !== 'gone') return null;
  return (
    <p className="decide-unseen" role="status">
      {words.decide.notCompared(review.revision)}
    </p>
  );
}

import type { Review } from '../../contract/review.ts';
import { writeUnreadPins } from '../../domain/show/show-warnings.ts';
import { LineView } from '../review/shown-view.tsx';

/** Said where the decision is made: that the call is not held to what could not be read. */
export function UnreadPins({ review }: { readonly review: Review }) {
  const line = writeUnreadPins(review);
  if (line === null) return null;
  return (
    <p className="decide-unseen" role="status">
      <LineView line={line} />
    </p>
  );
}

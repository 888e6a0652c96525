import { useState } from 'react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReviewRow } from '../../contract/review.ts';
import { titleLine } from '../../domain/show/title.ts';
import { useKeys } from '../app/keys.ts';
import { useSingleKeys } from '../app/preferences.ts';
import { listQuery, rowsOf } from '../data/queries.ts';
import { lastInboxView } from '../inbox/filters.ts';
import { LineView } from '../review/shown-view.tsx';
import { useSession } from '../session/session.ts';
import { LiveTimeLeft } from '../ui/times.tsx';
import { words } from '../words.ts';

/** Once there is nothing to decide here: the most urgent of the others that waited for this person by then, with a key. */
export function NextReview({ reviewId }: { readonly reviewId: string }) {
  const { reviewer } = useSession();
  const mine = useInfiniteQuery({
    ...listQuery({ status: 'pending', approver: 'me' }),
    enabled: reviewer.role === 'reviewer',
  });
  const others = rowsOf(mine.data).filter((row) => row.reviewId !== reviewId);
  // The one that was named stays, whatever comes: a press is meant for it.
  const [named, setNamed] = useState<string>();
  const next = others.find((row) => row.reviewId === named) ?? others[0];
  if (next !== undefined && next.reviewId !== named) setNamed(next.reviewId);
  if (mine.data === undefined) return null;
  return next === undefined ? (
    <p className="next">
      <span>{words.review.nothingNext}</span>
      <Link to="/" search={lastInboxView}>
        {words.review.toInbox}
      </Link>
    </p>
  ) : (
    <NextLink row={next} />
  );
}

const KEY = 'n';

function NextLink({ row }: { readonly row: ReviewRow }) {
  const navigate = useNavigate();
  const singleKeys = useSingleKeys();
  const params = { reviewId: row.reviewId };
  useKeys({ [KEY]: () => void navigate({ to: '/reviews/$reviewId', params }) });
  return (
    <Link to="/reviews/$reviewId" params={params} className="next next-link">
      <span className="quiet">
        {words.review.next} {singleKeys && <kbd aria-hidden="true">{KEY}</kbd>}
      </span>
      <span className="next-title">
        <LineView line={titleLine(row)} />
      </span>
      <LiveTimeLeft until={row.expiresAt} />
    </Link>
  );
}

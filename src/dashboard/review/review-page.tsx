import { useEffect, useRef } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import type { Review } from '../../contract/review.ts';
import { HoldpointError } from '../../client/errors.ts';
import { useKeys } from '../app/keys.ts';
import { notify } from '../app/notices.tsx';
import { reviewQuery, toolQuery } from '../data/queries.ts';
import { DecideBar } from '../decide/decide-bar.tsx';
import { ClassBadge, OutcomeBadge, StatusBadge } from '../ui/badge.tsx';
import { useIsNarrow } from '../ui/narrow.ts';
import { usePageTitle } from '../ui/page-title.ts';
import { plainWords } from '../ui/plain-words.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Visible, VisibleLines } from '../ui/visible.tsx';
import { lastInboxView } from '../inbox/filters.ts';
import { AgentWords } from './agent-words.tsx';
import { CallView } from './call-view.tsx';
import { EvidenceSamples, EvidenceView } from './evidence.tsx';
import { Levels } from './levels.tsx';
import { Proof } from './proof.tsx';
import { Questions } from './questions.tsx';
import { Piece, SeenProvider } from './seen.tsx';
import { Target } from './target.tsx';
import { Timeline } from './timeline.tsx';
import { OutcomeUnknown } from './unknown.tsx';

export function ReviewPage() {
  const { reviewId } = useParams({ from: '/reviews/$reviewId' });
  const review = useQuery(reviewQuery(reviewId));
  const navigate = useNavigate();
  useKeys({ i: () => void navigate({ to: '/', search: lastInboxView() }) });
  usePageTitle(review.data === undefined ? 'Review' : `${review.data.call.tool} (${review.data.status})`);
  if (review.isPending) return <Loading what="Loading the review" />;
  if (review.data === undefined) {
    const { error } = review;
    const isGone = error instanceof HoldpointError && (error.code === 'not_found' || error.code === 'invalid_request');
    return isGone ? (
      <Empty title="There is no such review" isPage>
        <Link to="/">To the inbox</Link>
      </Empty>
    ) : (
      <Failure what="The review could not be read" isPage retry={() => void review.refetch()} />
    );
  }
  return <ReviewView review={review.data} />;
}

function ReviewView({ review }: { readonly review: Review }) {
  useChangeNotice(review);
  const isNarrow = useIsNarrow();
  const version = `${review.reviewId} ${review.call.digest ?? review.revision}`;
  // With keys they change places where a phone is turned, and what was on screen stays seen.
  const evidence = <EvidenceView key="evidence" review={review} />;
  const call = (
    <section key="call" className="card" aria-labelledby="call">
      <h2 id="call">{review.kind === 'in-flow' ? 'What is asked' : 'What exactly will happen'}</h2>
      <CallView review={review} />
      <Target review={review} />
    </section>
  );
  return (
    <SeenProvider key={version}>
      <article className="review">
        <header className="review-head">
          <p className="badges">
            <ClassBadge value={review.class} />
            <StatusBadge value={review.status} />
            <OutcomeBadge review={review} />
            <code className="quiet">
              <Visible text={review.call.tool} />
            </code>
          </p>
          <Piece>
            <Title review={review} />
          </Piece>
          <Questions review={review} />
        </header>
        {review.feedback !== null && (
          <Piece className="note note-warn">
            <Visible text={review.feedback.by} /> asked for changes: <VisibleLines text={review.feedback.comment} /> It
            waits for the proposer.
          </Piece>
        )}
        <OutcomeUnknown review={review} />
        {/* Evidence stands above the call; where there is room for one thing only, what will happen comes first. */}
        {isNarrow ? [call, evidence] : [evidence, call]}
        <EvidenceSamples review={review} />
        <AgentWords review={review} />
        <div className="review-more">
          <Levels review={review} />
          <Timeline review={review} />
          <Proof review={review} />
        </div>
        <DecideBar review={review} />
      </article>
    </SeenProvider>
  );
}

function Title({ review }: { readonly review: Review }) {
  const tool = useQuery({ ...toolQuery(review.call.tool), enabled: review.kind === 'call' }).data;
  const words = plainWords(review.call.tool, review.call.arguments ?? undefined, tool?.description);
  return (
    <h1>
      <Visible text={review.title ?? words} />
    </h1>
  );
}

/** A version that changes under somebody's eyes is said, not only drawn. */
function useChangeNotice(review: Review): void {
  const shown = useRef<{ readonly id: string; readonly digest: string | null }>(undefined);
  useEffect(() => {
    const before = shown.current;
    shown.current = { id: review.reviewId, digest: review.call.digest };
    if (before === undefined || before.id !== review.reviewId || before.digest === null) return;
    if (before.digest === review.call.digest) return;
    notify('plain', 'The call has changed. What you see now is the new version; nothing that was begun has been sent.');
  }, [review.reviewId, review.call.digest]);
}

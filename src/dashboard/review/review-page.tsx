import { useEffect, useRef } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { Button } from 'react-aria-components';
import type { Review } from '../../contract/review.ts';
import { isDrill } from '../../domain/drill.ts';
import type { SectionId } from '../../domain/show/shown.ts';
import { HoldpointError } from '../../client/errors.ts';
import { useKeys } from '../app/keys.ts';
import { notify } from '../app/notices.tsx';
import { reviewQuery } from '../data/queries.ts';
import { DecideBar } from '../decide/decide-bar.tsx';
import { lastInboxView } from '../inbox/filters.ts';
import { ClassBadge, OutcomeBadge, StatusBadge } from '../ui/badge.tsx';
import { useIsNarrow, usePageTitle } from '../ui/hooks.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Visible } from '../ui/visible.tsx';
import { DrillReport } from './drill-report.tsx';
import { Proof } from './proof.tsx';
import { Piece, SeenProvider } from './seen.tsx';
import { Blocks, LineView, SectionCard } from './shown-view.tsx';
import { OutcomeUnknown } from './unknown.tsx';
import { useEarlier, useShown } from './use-shown.ts';

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
      <Failure what="The review could not be loaded" error={error} isPage retry={() => void review.refetch()} />
    );
  }
  return <ReviewView review={review.data} />;
}

function ReviewView({ review }: { readonly review: Review }) {
  useChangeNotice(review);
  const isNarrow = useIsNarrow();
  const { sections, title } = useShown(review);
  const card = (id: SectionId) => {
    const section = sections.find((candidate) => candidate.id === id);
    return section === undefined ? null : <SectionCard key={id} section={section} />;
  };
  const why = sections.find(({ id }) => id === 'why');
  const evidence = sections.find(({ id }) => id === 'evidence');
  // With keys they change places where a phone is turned, and what was on screen stays seen.
  const facts = evidence && (
    <SectionCard
      key="evidence"
      section={evidence}
      blocks={evidence.blocks.filter(({ kind }) => kind === 'pairs' || kind === 'warning')}
    />
  );
  const samples = evidence?.blocks.filter(({ kind }) => kind !== 'pairs' && kind !== 'warning') ?? [];
  return (
    <SeenProvider key={`${review.reviewId} ${review.call.digest ?? review.revision}`}>
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
            <h1>
              <LineView line={title} />
            </h1>
          </Piece>
          {why !== undefined && <Blocks section={why} />}
        </header>
        {isDrill(review) && <DrillReport review={review} />}
        {card('equal')}
        <Changes review={review}>{card('changes')}</Changes>
        {card('feedback')}
        <OutcomeUnknown review={review} />
        {/* Evidence stands above the call; where there is room for one thing only, what will happen comes first. */}
        {isNarrow ? [card('call'), facts] : [facts, card('call')]}
        {evidence !== undefined && samples.length > 0 && (
          <SectionCard section={{ ...evidence, heading: 'More evidence' }} blocks={samples} />
        )}
        {card('request')}
        {card('answers')}
        {card('earlier')}
        {card('words')}
        <div className="review-more">
          {card('levels')}
          {card('timeline')}
          {card('end')}
          <Proof review={review} />
        </div>
        <DecideBar review={review} />
      </article>
    </SeenProvider>
  );
}

/** What changed, once the version before has been read. */
function Changes({ review, children }: { readonly review: Review; readonly children: React.ReactNode }) {
  const { state, retry } = useEarlier(review);
  if (state === 'reading') return <p className="quiet">Reading the version before…</p>;
  if (state !== 'failed') return children;
  return (
    <div className="note note-bad">
      The version before could not be read.{' '}
      <Button className="button button-small" onPress={retry}>
        Read it again
      </Button>
    </div>
  );
}

/** A change of the call while its page is open is announced, not only drawn. */
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

import { useEffect, useRef } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { Button } from 'react-aria-components';
import type { Review } from '../../contract/review.ts';
import type { Block, SectionId } from '../../domain/show/shown.ts';
import { titleText } from '../../domain/show/title.ts';
import { isDrill } from '../../domain/drill.ts';
import { HoldpointError } from '../../client/errors.ts';
import { useKeys } from '../app/keys.ts';
import { notify } from '../app/notices.tsx';
import { reviewQuery } from '../data/queries.ts';
import { DecideBar } from '../decide/decide-bar.tsx';
import { lastInboxView } from '../inbox/filters.ts';
import { ClassBadge, OutcomeBadge, StatusBadge } from '../ui/badge.tsx';
import { useIsWide, usePageTitle } from '../ui/hooks.ts';
import { Empty, Failure, Loading } from '../ui/states.tsx';
import { Visible } from '../ui/visible.tsx';
import { DrillReport } from './drill-report.tsx';
import { words } from '../words.ts';
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
  usePageTitle(
    review.data === undefined ? words.review.title : `${titleText(review.data, 80)} (${review.data.status})`,
  );
  if (review.isPending) return <Loading what={words.review.loading} />;
  if (review.data === undefined) {
    const { error } = review;
    const isGone = error instanceof HoldpointError && (error.code === 'not_found' || error.code === 'invalid_request');
    return isGone ? (
      <Empty title={words.review.notFound} isPage>
        <Link to="/">{words.review.toInbox}</Link>
      </Empty>
    ) : (
      <Failure what={words.review.failed} error={error} isPage retry={() => void review.refetch()} />
    );
  }
  return <ReviewView review={review.data} />;
}

/** On the left what will happen, and what was known of it; on the right what it takes. On a phone one after the other. */
function ReviewView({ review }: { readonly review: Review }) {
  useChangeNotice(review);
  const isWide = useIsWide();
  const { sections, title } = useShown(review);
  const card = (id: SectionId) => {
    const section = sections.find((candidate) => candidate.id === id);
    return section === undefined ? null : <SectionCard section={section} />;
  };
  const why = sections.find(({ id }) => id === 'why');
  const deadline = why?.blocks
    .flatMap((block) => (block.kind === 'pairs' ? block.pairs : []))
    .find(({ isDeadline }) => isDeadline);
  return (
    <SeenProvider key={`${review.reviewId} ${review.call.digest ?? review.revision}`}>
      <article className="review">
        <div className="review-what">
          <header className="review-head">
            <Badges review={review} />
            <Piece>
              <h1>
                <LineView line={title} />
              </h1>
            </Piece>
            {why !== undefined && (
              <Blocks section={why} blocks={isWide ? why.blocks.map(withoutDeadline) : why.blocks} />
            )}
          </header>
          {isDrill(review) && <DrillReport review={review} />}
          <OutcomeUnknown review={review} />
          {card('end')}
          {card('feedback')}
          {card('equal')}
          {card('call')}
          {card('evidence')}
          {card('request')}
          {card('answers')}
          <Changes review={review}>{card('changes')}</Changes>
          {card('earlier')}
          {card('words')}
        </div>
        <section className="review-takes" aria-label={words.review.takes}>
          {card('levels')}
          <DecideBar review={review} timeLeft={deadline?.value} />
        </section>
        <div className="review-more">
          {card('timeline')}
          <Proof review={review} />
        </div>
      </article>
    </SeenProvider>
  );
}

/** Where it stands; of a call also how grave it is, and its tool. */
function Badges({ review }: { readonly review: Review }) {
  const isCall = review.kind === 'call';
  return (
    <p className="badges">
      {isCall ? (
        <ClassBadge value={review.class} />
      ) : (
        <span className="badge badge-quiet">{isDrill(review) ? words.review.drill : words.review.question}</span>
      )}
      {review.resolution?.type === 'respond' ? (
        <span className="badge badge-good">{words.review.answered}</span>
      ) : (
        <StatusBadge value={review.status} />
      )}
      <OutcomeBadge review={review} />
      {isCall && (
        <code className="quiet">
          <Visible text={review.call.tool} />
        </code>
      )}
    </p>
  );
}

/** On a wide screen it stands beside the decision. */
function withoutDeadline(block: Block): Block {
  return block.kind === 'pairs'
    ? { ...block, pairs: block.pairs.filter(({ isDeadline }) => isDeadline !== true) }
    : block;
}

/** What changed, once the version before has been read. */
function Changes({ review, children }: { readonly review: Review; readonly children: React.ReactNode }) {
  const { state, retry } = useEarlier(review);
  if (state === 'reading') return <p className="quiet">{words.review.loadingPrevious}</p>;
  if (state !== 'failed') return children;
  return (
    <div className="note note-bad">
      {words.review.previousFailed}{' '}
      <Button className="button button-small" onPress={retry}>
        {words.shell.tryAgain}
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
    notify('plain', words.review.changed);
  }, [review.reviewId, review.call.digest]);
}

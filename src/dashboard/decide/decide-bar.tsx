import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import { Button } from 'react-aria-components';
import type { DecisionType, Review, ReviewRow } from '../../contract/review.ts';
import type { Line } from '../../domain/show/shown.ts';
import { writeUnreadPins } from '../../domain/show/show-warnings.ts';
import { titleLine } from '../../domain/show/title.ts';
import { hasEnded } from '../../domain/lifecycle.ts';
import { canBeStopped } from '../../domain/stop.ts';
import { useKeys } from '../app/keys.ts';
import { useSingleKeys } from '../app/preferences.ts';
import { serverNow, useNow } from '../data/clock.ts';
import { useConnection } from '../data/connection.ts';
import { listQuery, rowsOf } from '../data/queries.ts';
import { lastInboxView } from '../inbox/filters.ts';
import { foot, useSeen } from '../review/seen.tsx';
import { useSession } from '../session/session.ts';
import { LineView } from '../review/shown-view.tsx';
import { LiveTimeLeft } from '../ui/times.tsx';
import { BUTTONS, choicesFor } from './choices.ts';
import { forgetTyped, typesTyped, type KeptPlace } from './kept.ts';
import { CommentPanel, ConfirmPanel, NotCompared, RespondPanel } from './panels.tsx';
import { words } from '../words.ts';
import { useDecide } from './use-decide.ts';

const EditPanel = lazy(async () => ({ default: (await import('./edit-panel.tsx')).EditPanel }));

/** What can be decided now, at the foot of the screen. Mounted again for each version, so nothing that was begun outlives it. */
export function DecideBar({ review, timeLeft }: BarProps) {
  const session = useSession();
  const now = useNow();
  const isOpen = !hasEnded(review.status) || canBeStopped(review);
  const { types, why } = isOpen ? choicesFor(review, session, now) : { types: [], why: '' };
  if (types.length > 0) return <Deciding review={review} types={types} timeLeft={timeLeft} />;
  return (
    <div ref={foot} className="decide" role="region" aria-label={words.decide.region}>
      <TimeLeft line={timeLeft} />
      {why !== '' && <p className="decide-why">{why}</p>}
      <NextReview reviewId={review.reviewId} />
    </div>
  );
}

interface BarProps {
  readonly review: Review;
  /** How long it still waits; undefined: it does not. */
  readonly timeLeft: Line | undefined;
}

function TimeLeft({ line }: { readonly line: Line | undefined }) {
  if (line === undefined) return null;
  return (
    <p className="decide-time">
      <span className="quiet">{words.review.timeLeft}</span>
      <span>
        <LineView line={line} />
      </span>
    </p>
  );
}

function Deciding({ review, types, timeLeft }: BarProps & { readonly types: readonly DecisionType[] }) {
  const { reviewer } = useSession();
  const place: KeptPlace = { reviewer: reviewer.id, reviewId: review.reviewId, digest: review.call.digest };
  const { left, total, showNext } = useSeen();
  // What was typed before the page was left goes on; a yes is begun anew.
  const [begun, setPanel] = useState<DecisionType | undefined>(() => typesTyped(place).find((type) => !isYes(type)));
  // It may have become impossible, e.g. because another reviewer asked for changes.
  const panel = begun !== undefined && types.includes(begun) ? begun : undefined;
  const close = (): void => setPanel(undefined);
  const cancel = (): void => {
    forgetTyped(place);
    close();
  };
  const deciding = useDecide(review, { sent: cancel, refused: close });
  const offline = useConnection() === 'offline';
  const singleKeys = useSingleKeys();
  const unseen = left > 0;
  const mayApprove = types.includes('approve') || types.includes('edit');
  const stops = canBeStopped(review);
  const begin = (type: DecisionType): void => {
    if (offline || !types.includes(type)) return;
    if (isYes(type) && unseen) showNext();
    else setPanel(type);
  };
  useAsked(begin, total > 0 && !unseen, panel);
  useKeys({
    a: () => panel === undefined && begin('approve'),
    e: (event) => start(event, () => begin('edit')),
    r: (event) => start(event, () => begin('reject')),
    c: (event) => start(event, () => begin('revise')),
    w: (event) => start(event, () => begin('respond')),
    Escape: cancel,
  });
  const start = (event: KeyboardEvent, act: () => void): void => {
    // The key must not be typed into the field that it opens.
    event.preventDefault();
    if (panel === undefined) act();
  };
  const shared = { review, deciding, place, onClose: cancel };
  switch (panel) {
    case undefined:
      break;
    case 'approve':
      return <ConfirmPanel {...shared} />;
    case 'edit':
      return (
        <Suspense fallback={<div className="decide">{words.decide.loadingForm}</div>}>
          <EditPanel {...shared} />
        </Suspense>
      );
    case 'respond':
      return <RespondPanel {...shared} />;
    case 'reject':
    case 'revise':
      return <CommentPanel key={panel} type={stops ? 'stop' : panel} {...shared} />;
    default:
      return panel satisfies never;
  }
  return (
    <div ref={foot} className="decide" role="region" aria-label={words.decide.region}>
      <TimeLeft line={timeLeft} />
      {mayApprove && <UnreadPins review={review} />}
      {offline && <p className="decide-why">{words.decide.offline}</p>}
      {mayApprove && <SeenBar />}
      <div className="decide-row">
        {types.map((type) => {
          const waitsForEyes = unseen && isYes(type);
          return (
            <Button
              key={type}
              className={`button ${BUTTONS[type].style}`}
              isDisabled={offline || waitsForEyes || deciding.isPending}
              onPress={() => begin(type)}
              data-decision={type}
            >
              {stops ? words.decide.stop : BUTTONS[type].label}{' '}
              {singleKeys && <kbd aria-hidden="true">{BUTTONS[type].key}</kbd>}
            </Button>
          );
        })}
        {review.status === 'changes_requested' && <span>{words.decide.changesRequested}</span>}
        {stops && <span>{words.decide.canBeStopped}</span>}
      </div>
      {mayApprove && <NotCompared review={review} />}
    </div>
  );
}

/** All that is approved has to have been on screen. */
function isYes(type: DecisionType): boolean {
  return type === 'approve' || type === 'edit';
}

/** A key in the inbox asked for a decision: begin it once the call is on screen, and only once. */
function useAsked(begin: (type: DecisionType) => void, ready: boolean, panel: DecisionType | undefined): void {
  const asked = useLocation({ select: ({ state }) => state.asked });
  const navigate = useNavigate({ from: '/reviews/$reviewId' });
  const [openedAt] = useState(serverNow);
  const hasShownMore = useRef(false);
  useEffect(() => {
    if (asked === undefined) return;
    // Whatever else was begun by hand takes its place.
    if (panel === undefined && isYes(asked) && !ready) {
      if (hasShownMore.current || serverNow() - openedAt < 3_000) return;
      hasShownMore.current = true;
      begin(asked);
      return;
    }
    void navigate({ replace: true, state: {} });
    if (panel === undefined) begin(asked);
  });
}

/** Said where the decision is made: that the call is not held to what could not be read. */
function UnreadPins({ review }: { readonly review: Review }) {
  const line = writeUnreadPins(review);
  if (line === null) return null;
  return (
    <p className="decide-unseen" role="status">
      <LineView line={line} />
    </p>
  );
}

/** Stretches that the bar is divided into, at most: each stays wide enough to be seen on a phone. */
const STRETCHES = 24;

/** How much of what is decided on has been on screen, and where the rest stands; nothing once all of it has. */
function SeenBar() {
  const { left, total, showNext, stretches } = useSeen();
  if (left === 0) return null;
  const seen = total - left;
  return (
    <div className="seen">
      <p className="seen-words">{words.review.seeAll}</p>
      <div
        className="seen-bar"
        role="progressbar"
        aria-label={words.review.seen}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={seen}
        aria-valuetext={words.review.seenOf(seen, total)}
      >
        {stretches(STRETCHES).map((isSeen, index) => (
          <span key={index} className={isSeen ? 'is-seen' : undefined} />
        ))}
      </div>
      <Button className="button button-small" onPress={showNext}>
        {words.review.showNext}
      </Button>
    </div>
  );
}

/** Once there is nothing to decide here: the most urgent of the others that waited for this person by then, with a key. */
function NextReview({ reviewId }: { readonly reviewId: string }) {
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

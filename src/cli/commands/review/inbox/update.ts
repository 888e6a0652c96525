import type { DecisionRequest } from '../../../../contract/decision.ts';
import type { Review } from '../../../../contract/review.ts';
import type { Intent } from './keys.ts';
import { refusalOf } from './may-decide.ts';
import {
  UNDO_MS,
  visibleRows,
  type Effect,
  type InboxRow,
  type InboxState,
  type Layout,
  type Message,
  type OpenReview,
  type Step,
} from './model.ts';

const step = (state: InboxState, ...effects: Effect[]): Step => ({ state, effects });
const say = (state: InboxState, text: string, tone: Message['tone'] = 'plain'): InboxState => ({
  ...state,
  message: { tone, text },
});

/** One key. Pure: what has to happen outside comes back as effects. */
export function press(state: InboxState, intent: Intent, layout: Layout): Step {
  const next: InboxState = { ...state, message: null, help: false };
  if (state.help && intent.want !== 'quit') return step(next);
  switch (intent.want) {
    case 'quit':
      return step(next, { do: 'quit' });
    case 'help':
      return step({ ...next, help: true });
    case 'undo':
      return state.unsent === null
        ? step(say(next, 'There is nothing to take back.'))
        : step(say({ ...next, unsent: null }, 'Taken back: nothing was sent.'));
    case 'send':
      return state.unsent === null ? step(next) : send(next);
    case 'refresh':
      return step({ ...next, connection: 'loading' }, { do: 'list' });
    case 'mine':
      return step(keepSelection({ ...next, mineOnly: !next.mineOnly, open: null }));
    case 'move':
      return move(next, intent, layout);
    case 'open':
      return next.open === null && next.selected !== null ? openReview(next, next.selected) : step(next);
    case 'back':
      return step({ ...next, open: null });
    case 'sibling':
      return openSibling(next, intent.down);
    case 'changes':
      return toggleChanges(next);
    case 'decide':
      return decide(next, intent);
  }
}

/** Time went by: what waited for an undo is sent. */
export function tick(state: InboxState, now: number): Step {
  return state.unsent !== null && now >= state.unsent.at ? send(state) : step(state);
}

/** A decision was taken; it waits for an undo. */
export function hold(state: InboxState, review: Review, request: DecisionRequest, now: number): InboxState {
  return { ...state, message: null, unsent: { reviewId: review.reviewId, request, at: now + UNDO_MS } };
}

/** The list was read. */
export function listed(state: InboxState, rows: readonly InboxRow[], more: boolean): InboxState {
  return keepSelection({ ...state, rows, more, connection: 'live' });
}

/** A review was read. A decision that waits is dropped where it was taken on something else. */
export function read(state: InboxState, review: Review): InboxState {
  const next = dropOutdated(state, review);
  const { open } = next;
  if (open?.reviewId !== review.reviewId) return next;
  const same = open.review !== null && open.review.call.digest === review.call.digest;
  return { ...next, open: same ? { ...open, review } : opened(review.reviewId, review) };
}

/** What a screen has shown counts as seen, if nothing before it was skipped. */
export function shown(state: InboxState, { height, total }: Layout): InboxState {
  const { open } = state;
  if (open === null || open.review === null || open.pane !== 'review' || state.help || open.seenAll) return state;
  const seen = open.top <= open.seen ? Math.max(open.seen, open.top + height) : open.seen;
  return { ...state, open: { ...open, seen, seenAll: seen >= total } };
}

/** Lines break elsewhere: what was half seen begins anew. */
export function resized(state: InboxState): InboxState {
  return state.open === null ? state : { ...state, open: { ...state.open, top: 0, seen: 0 } };
}

export function compared(state: InboxState, reviewId: string, changes: readonly string[]): InboxState {
  return state.open?.reviewId === reviewId ? { ...state, open: { ...state.open, changes } } : state;
}

function opened(reviewId: string, review: Review | null): OpenReview {
  return { reviewId, review, pane: 'review', changes: null, top: 0, seen: 0, seenAll: false };
}

function openReview(state: InboxState, reviewId: string): Step {
  return step({ ...state, selected: reviewId, open: opened(reviewId, null) }, { do: 'read', reviewId });
}

function openSibling(state: InboxState, down: boolean): Step {
  const moved = select(state, down ? 1 : -1);
  if (state.open === null || moved.selected === state.selected || moved.selected === null) return step(moved);
  return openReview(moved, moved.selected);
}

function toggleChanges(state: InboxState): Step {
  const { open } = state;
  if (open === null || open.review === null) return step(state);
  if (open.pane === 'changes') return step({ ...state, open: { ...open, pane: 'review', top: 0 } });
  const next = { ...state, open: { ...open, pane: 'changes' as const, top: 0 } };
  return open.changes === null ? step(next, { do: 'compare', review: open.review }) : step(next);
}

function move(state: InboxState, { by, down }: Extract<Intent, { want: 'move' }>, layout: Layout): Step {
  const amount = { line: 1, page: Math.max(1, layout.height - 1), end: Number.MAX_SAFE_INTEGER }[by];
  const { open } = state;
  if (open !== null) {
    const last = Math.max(0, layout.total - layout.height);
    const top = Math.min(last, Math.max(0, open.top + (down ? amount : -amount)));
    return step({ ...state, open: { ...open, top } });
  }
  const next = select(state, (down ? 1 : -1) * (by === 'page' ? Math.max(1, Math.floor(amount / 2)) : amount));
  const atEnd = next.selected === visibleRows(next).at(-1)?.row.reviewId;
  return atEnd && down && state.more ? step(next, { do: 'more' }) : step(next);
}

function select(state: InboxState, by: number): InboxState {
  const rows = visibleRows(state);
  const at = rows.findIndex(({ row }) => row.reviewId === state.selected);
  const next = rows[Math.min(rows.length - 1, Math.max(0, Math.max(0, at) + by))];
  return { ...state, selected: next?.row.reviewId ?? null };
}

/** The selected row stays selected while the list changes around it; where it is gone, the first one is. */
function keepSelection(state: InboxState): InboxState {
  const rows = visibleRows(state);
  const still = rows.some(({ row }) => row.reviewId === state.selected);
  return still ? state : { ...state, selected: rows[0]?.row.reviewId ?? null };
}

function decide(state: InboxState, { type }: Extract<Intent, { want: 'decide' }>): Step {
  const refusal = refusalOf(state, type);
  if (refusal !== undefined) return step(say(state, refusal, 'bad'));
  const review = state.open?.review;
  return review === null || review === undefined ? step(state) : step(state, { do: 'ask', review, type });
}

function send(state: InboxState): Step {
  const { unsent } = state;
  return unsent === null ? step(state) : step(say({ ...state, unsent: null }, 'Sending …'), { do: 'send', unsent });
}

function dropOutdated(state: InboxState, review: Review): InboxState {
  const { unsent } = state;
  if (unsent?.reviewId !== review.reviewId || unsent.request.digest === review.call.digest) return state;
  return say({ ...state, unsent: null }, 'It changed meanwhile, so nothing was sent. Look at it again.', 'bad');
}

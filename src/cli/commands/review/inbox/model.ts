import type { DecisionRequest } from '../../../../contract/decision.ts';
import type { DecisionType, Review, ReviewRow } from '../../../../contract/review.ts';

/** How long a decision waits before it is sent, in ms: `u` takes it back until then. */
export const UNDO_MS = 5_000;

export interface InboxRow {
  readonly row: ReviewRow;
  /** The open level waits for this reviewer. */
  readonly mine: boolean;
}

/** The review that is looked at. */
export interface OpenReview {
  readonly reviewId: string;
  /** Null until it has been read. */
  readonly review: Review | null;
  readonly pane: 'review' | 'changes';
  /** Null until they have been worked out. */
  readonly changes: readonly string[] | null;
  /** First line on the screen. */
  readonly top: number;
  /** Lines from the first on that have been on the screen without a gap. */
  readonly seen: number;
  /** All of this digest has been on the screen. */
  readonly seenAll: boolean;
}

/** A decision that somebody took and that has not been sent. */
export interface Unsent {
  readonly reviewId: string;
  readonly request: DecisionRequest;
  /** When it is sent, in ms. */
  readonly at: number;
}

export interface Message {
  readonly tone: 'plain' | 'good' | 'bad';
  readonly text: string;
}

export interface InboxState {
  /** What waits for this reviewer first, then by deadline. */
  readonly rows: readonly InboxRow[];
  /** The server has more rows than these. */
  readonly more: boolean;
  readonly mineOnly: boolean;
  readonly selected: string | null;
  readonly open: OpenReview | null;
  readonly unsent: Unsent | null;
  readonly message: Message | null;
  readonly connection: 'loading' | 'live' | 'lost';
  readonly help: boolean;
}

export const START: InboxState = {
  rows: [],
  more: false,
  mineOnly: false,
  selected: null,
  open: null,
  unsent: null,
  message: null,
  connection: 'loading',
  help: false,
};

/** What has to be done outside for a step of the state. */
export type Effect =
  | { readonly do: 'read'; readonly reviewId: string }
  | { readonly do: 'compare'; readonly review: Review }
  | { readonly do: 'ask'; readonly review: Review; readonly type: DecisionType }
  | { readonly do: 'send'; readonly unsent: Unsent }
  | { readonly do: 'list' }
  | { readonly do: 'more' }
  | { readonly do: 'quit' };

export interface Step {
  readonly state: InboxState;
  readonly effects: readonly Effect[];
}

/** What is on the screen: how many lines fit, and how many there are. */
export interface Layout {
  readonly height: number;
  readonly total: number;
}

export function visibleRows(state: InboxState): readonly InboxRow[] {
  return state.mineOnly ? state.rows.filter(({ mine }) => mine) : state.rows;
}

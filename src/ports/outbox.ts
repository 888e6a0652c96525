import type { DeliveryPage, DeliveryQuery, DeliveryState } from '../contract/delivery.ts';
import type { ReviewId } from '../contract/ids.ts';
import type { Timestamp } from '../contract/json.ts';

/** A notice for one destination, as the fan-out plans it. */
export interface PlannedDelivery {
  /** `webhook:<url>`, `email:<reviewer id>`, `slack` or `callback:<review id>`. */
  readonly destination: string;
  /** Audit index; the order of delivery. */
  readonly sequence: number;
  /** Tells several notices of one entry apart, in order. */
  readonly ordinal: number;
  readonly reviewId: ReviewId;
  readonly event: string;
  /** Time of the entry. */
  readonly at: Timestamp;
  readonly vote: { readonly decisionUlid: string; readonly reviewer: string } | null;
}

export interface WaitingDelivery extends PlannedDelivery {
  /** When the fan-out wrote it. */
  readonly createdAt: Timestamp;
  readonly attempts: number;
}

type DeliveryKey = Pick<PlannedDelivery, 'sequence' | 'ordinal'>;

export interface Settlement {
  readonly state: DeliveryState;
  readonly code: string | null;
  readonly httpStatus: number | null;
  /** Counts as one message against the rate limit, however many rows it settles. */
  readonly counted: boolean;
  /** Reviewers whom the message called by name: it counts against the limit of each of them. */
  readonly mentioned: readonly string[];
}

/** What one person was told lately, in mails and in messages that call people by name. */
export interface PersonTold {
  readonly reviewer: string;
  /** How often; mentions in messages that are just being sent included. */
  readonly told: number;
  /** Something waits for the person's mailbox, or is just being mailed. */
  readonly mailWaits: boolean;
}

/** Storage of deliveries. Throws as {@link Store} does. */
export interface DeliveryStore {
  /** Next audit index to look at. */
  cursor(): Promise<number>;
  /** Moves the cursor to the end of the log: for as long as there is nobody to tell. */
  skipToEnd(): Promise<void>;
  /**
   * Writes what was planned from `from` on and moves the cursor to `to`, both or neither. False: another process was
   * there first, and nothing was written.
   */
  fanOut(from: number, to: number, planned: readonly PlannedDelivery[]): Promise<boolean>;
  /**
   * Makes destinations known, each from the end of the log on: nobody is told old news. Answers the first index that
   * concerns each of them; Infinity: disabled.
   */
  enroll(names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  disable(name: string, code: string): Promise<void>;
  /** What a destination answered 410 to may be right again: called as a gate worker starts. */
  enable(names: readonly string[]): Promise<void>;
  /** One deliverer at a time for a destination; false: there is another. `token` names the holder, who may prolong it. */
  lease(name: string, token: string, forMs: number): Promise<boolean>;
  /** Ends the lease; nobody gets the next one before `pauseMs` have passed. */
  release(name: string, token: string, pauseMs: number): Promise<void>;
  /** Destinations with something waiting, a lease of which nobody has; the longest unattended first. */
  due(limit: number): Promise<readonly string[]>;
  /** Oldest first. */
  waiting(destination: string, limit: number): Promise<readonly WaitingDelivery[]>;
  /** `waiting`: notes the failed attempt and leaves the rows where they are. */
  settle(destination: string, keys: readonly DeliveryKey[], settlement: Settlement): Promise<void>;
  /** Settles everything that waits for a destination. */
  settleAll(destination: string, settlement: Settlement): Promise<void>;
  /** Times (epoch ms) at which counted messages were told since a time. */
  told(destination: string, since: Timestamp): Promise<readonly number[]>;
  /** Times (epoch ms) at which a reviewer was called by name since a time, in messages that were told or are just being sent. */
  mentions(reviewer: string, since: Timestamp): Promise<readonly (number | 'under_way')[]>;
  /**
   * Notes, before a message is sent, whom it calls by name: whom `choose` picks of what each of `people` was told since a
   * time. No mailbox of theirs begins a message meanwhile. Settling the message replaces the note.
   */
  mention(
    destination: string,
    key: DeliveryKey,
    people: readonly { readonly reviewer: string; readonly mailbox: string }[],
    since: Timestamp,
    choose: (people: readonly PersonTold[]) => readonly string[],
  ): Promise<readonly string[]>;
  /** Newest first. Undefined: Holdpoint did not make this cursor. */
  list(query: DeliveryQuery): Promise<DeliveryPage | undefined>;
  recall(destination: string, reviewId: ReviewId): Promise<string | undefined>;
  remember(destination: string, reviewId: ReviewId, value: string): Promise<void>;
  /** Deletes what was settled before a time, and what channels remember of reviews that ended before it. */
  prune(before: Timestamp): Promise<void>;
}

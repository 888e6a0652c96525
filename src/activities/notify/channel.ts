import type { ReviewerConfig } from '../../contract/config.ts';
import type { NoticeEvent } from '../../contract/delivery.ts';
import type { Material, Review } from '../../contract/review.ts';

export type { NoticeEvent } from '../../contract/delivery.ts';

export interface Notice {
  /** Stable and unique over the deployment: every attempt to tell this notice carries the same. Has no dot in it. */
  readonly id: string;
  /** Index of the audit entry that it follows from. */
  readonly sequence: number;
  readonly event: NoticeEvent;
  /** ISO 8601: the time of the entry. */
  readonly at: string;
  /**
   * The review as stored *now*, when it is being told, not when it happened; people would be misled by less. Arguments
   * may be sealed, and are null where retention has erased them.
   */
  readonly review: Review;
  /** For people, and where there is more than one version: what was digested of each, oldest first. */
  readonly materials?: readonly Material[];
  /** `review.decided` alone: the vote that was admitted. */
  readonly vote: { readonly decisionUlid: string; readonly reviewer: string } | null;
}

/** A person who is told, as the directory in force has them. */
export type Recipient = Pick<ReviewerConfig, 'id' | 'groups' | 'email' | 'slack' | 'role'>;

export interface Batch {
  /** `webhook:<url>`, `email:<reviewer id>`, `slack` or `callback:<review id>`. */
  readonly destination: string;
  /** Whose destination it is; null where it is not a person's. */
  readonly recipient: Recipient | null;
  /**
   * `each`: exactly one notice. `digest`: one or more, to be told in a single message, because the destination wants
   * digests or because its rate limit was reached.
   */
  readonly form: 'each' | 'digest';
  /** At least one, in the order of the log. */
  readonly notices: readonly [Notice, ...Notice[]];
  /** Reviewers who may be called by name in it: each of them has a place left under the rate limit. */
  readonly mentioned: readonly string[];
  /** Id of the first notice; the same for every attempt at this batch. */
  readonly id: string;
  /** Ends with the attempt (30 s) or with the worker. */
  readonly signal: AbortSignal;
}

/**
 * What came of one attempt. `code` is kept and shown in the list of deliveries: a short stable word, never the text of
 * an error, which may hold an address or a secret.
 */
export type Delivered =
  | { readonly kind: 'delivered'; readonly code?: string; readonly httpStatus?: number }
  /** There was nothing to tell after all (say, the message it would update was never sent). */
  | { readonly kind: 'skipped'; readonly code: string }
  /** Comes again with back-off; nothing later is told to this destination before. */
  | { readonly kind: 'retry'; readonly code: string; readonly httpStatus?: number; readonly afterMs?: number }
  /** Never going to work for this batch: the next one is tried. `disable`: nor for any later one. */
  | { readonly kind: 'give_up'; readonly code: string; readonly httpStatus?: number; readonly disable?: boolean };

export const CHANNEL_NAMES = ['webhook', 'email', 'slack', 'callback'] as const;

/**
 * One way to reach people or machines. Called by the gate worker; retry, back-off, order and rate limit are the
 * deliverer's, and one destination that is down never holds up another.
 *
 * A channel tells at least once: the process may die between telling and noting it, so whatever can carry an id (a
 * `Message-ID`, `webhook-id`) takes the notice's.
 */
export interface Channel {
  readonly name: (typeof CHANNEL_NAMES)[number];
  /**
   * How a notice concerns this channel. `tell`: people's attention is asked for, so it counts against the rate limit and
   * may be folded into a digest. `quiet`: told alone and never counted (a message that is already there gets its last
   * state). `no`: not at all. Absent: `tell`.
   */
  readonly interest?: (notice: Pick<Notice, 'event' | 'review'>) => 'tell' | 'quiet' | 'no';
  /** Reviewers whom telling a notice alone would call by name. Absent: nobody, as a message to one person calls nobody else. */
  readonly mentions?: (notice: Pick<Notice, 'event' | 'at' | 'review'>) => readonly string[];
  /** Never throws for what the destination did; what it throws all the same is tried again like `retry`. */
  deliver(batch: Batch): Promise<Delivered>;
}

/**
 * What a channel remembers about a review for a destination (the time stamp of a Slack message, a mail's thread).
 * Durable, last write wins; erased some time after the review has ended.
 */
export interface ChannelMemory {
  get(destination: string, reviewId: string): Promise<string | undefined>;
  put(destination: string, reviewId: string, value: string): Promise<void>;
}

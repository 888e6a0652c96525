import type { ReviewId } from '../contract/ids.ts';
import type { Timestamp } from '../contract/json.ts';
import type { RelatedReview, Review } from '../contract/review.ts';

/**
 * A call that people are asked about, by keyed fingerprints of what the agent said: `call` of tool, arguments and
 * context, `intent` of the call with its thread, callback and approval.
 */
export interface CallFingerprints {
  readonly call: string;
  readonly intent: string;
}

export interface CallBinding {
  readonly proposer: string;
  /** The idempotency key, and the fingerprint of the body that came with it. */
  readonly key?: { readonly key: string; readonly fingerprint: string } | undefined;
  /** The review that is begun where no other stands for the call. */
  readonly reviewId: ReviewId;
  /** Absent: people are not asked about the call, so no other stands for it. */
  readonly fingerprints?: CallFingerprints | undefined;
  /** An equal call may stand for this one. */
  readonly attach: boolean;
  /** Reviews that already stand for other calls of the same request. */
  readonly taken: readonly ReviewId[];
  readonly at: Timestamp;
}

export type BoundCall =
  /** `attached`: to an equal call that waits for people, is about to, or was rejected within the last hour. */
  | { readonly kind: 'new' | 'attached'; readonly reviewId: ReviewId }
  /** The key was bound before, with the same (`matches`) or another body. */
  | { readonly kind: 'seen'; readonly reviewId: ReviewId; readonly matches: boolean; readonly attached: boolean };

/** Which calls agents have proposed, and which review stands for each. */
export interface ProposedCalls {
  /** One statement, so that it neither misses nor overtakes an equal call or a decision that comes at the same time. */
  bind(binding: CallBinding): Promise<BoundCall>;
  /** Notes a later version of a call. */
  note(
    proposer: string,
    fingerprints: CallFingerprints,
    reviewId: ReviewId,
    revision: number,
    at: Timestamp,
  ): Promise<void>;
  /** What people are told of others beside a review that is held. `call`: compared with; absent: the version that stands. */
  related(review: Review, call?: string): Promise<readonly RelatedReview[]>;
  /** Those of {@link related} of which a yes must say that twice is meant. */
  repeats(review: Review, call?: string): Promise<readonly RelatedReview[]>;
}

/** MCP requests that have not been answered. */
export interface McpRequests {
  /** The key of a request: `key`, or that of the same request where it was sent before and has not been answered. */
  begin(request: string, key: string, at: Timestamp, since: Timestamp): Promise<string>;
  answered(request: string): Promise<void>;
}

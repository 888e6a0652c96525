import type { ReviewId } from '../contract/ids.ts';
import type { Timestamp } from '../contract/json.ts';

/** Which calls an agent has proposed, by a keyed fingerprint of what it said: so that a no need not be said twice. */
export interface ProposedCalls {
  note(proposer: string, fingerprint: string, reviewId: ReviewId): Promise<void>;
  /** The review of the same call that people rejected last, if they did since a time. */
  findRejected(proposer: string, fingerprint: string, since: Timestamp): Promise<ReviewId | undefined>;
}

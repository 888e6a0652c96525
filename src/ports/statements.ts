import type { DsseEnvelope } from '../contract/envelope.ts';
import type { ReviewId } from '../contract/ids.ts';

/**
 * Statements of completeness and who waits for one. The api asks; the execute worker, which has no port, looks for
 * requests and answers them. Whatever stands here is believed only for the execute worker's signature.
 */
export interface StatementStore {
  /** Asks for a new statement on a review; asking twice is asking once. */
  request(reviewId: ReviewId): Promise<void>;
  /** Reviews that a statement is asked for, the longest waiting first. */
  requested(limit: number): Promise<readonly ReviewId[]>;
  /** Ends the request. Without a statement (none can be given) an earlier one stays. */
  answer(reviewId: ReviewId, statement?: DsseEnvelope): Promise<void>;
  read(reviewId: ReviewId): Promise<{ readonly statement: DsseEnvelope | null; readonly isRequested: boolean }>;
}

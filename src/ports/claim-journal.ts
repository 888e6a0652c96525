import type { Digest, Timestamp } from '../contract/json.ts';
import type { ReviewId } from '../contract/ids.ts';

/** A call that is about to be claimed, as the execute worker notes it outside of the database. */
export interface JournalClaim {
  readonly reviewId: ReviewId;
  /** SHA-256 of the claim's token: the token itself would let a reader settle the claim. */
  readonly claim: Digest;
  readonly tool: string;
  readonly revision: number;
  readonly digest: Digest;
  readonly policyDigest: Digest;
  readonly at: Timestamp;
  readonly sendBy: Timestamp;
}

/** `not_made`: the claim was refused, or given back for a call that provably had no effect. */
export type JournalOutcome = 'executed' | 'failed' | 'outcome_unknown' | 'not_made';

/**
 * Claims on the execute worker's own disk: what was made is known even where an older copy of the database, which knows
 * nothing of it, is put back.
 */
export interface ClaimJournal {
  /**
   * Resolves once the line is with the operating system: it outlives this process. Reaches the disk within a second.
   * Rejects where it cannot be written; then the call must not be claimed.
   */
  claiming(token: string, claim: Omit<JournalClaim, 'claim'>): Promise<void>;
  /** What cannot be written is left out: a claim without an outcome counts as made. */
  ended(token: string, reviewId: ReviewId, outcome: JournalOutcome): void;
}

import type { JsonObject } from '../contract/json.ts';
import type { Review } from '../contract/review.ts';
import { HoldpointError } from './errors.ts';

/** A reviewer asks for other arguments instead of saying yes or no. */
export interface ChangesRequested {
  readonly review: Review;
  /** The version that was looked at; what answers it names it. */
  readonly revision: number;
  /** The reviewer's words. */
  readonly comment: string;
}

/** Answers with the whole new arguments of the same tool; undefined: they come from elsewhere, or not at all. */
export type OnChangesRequested = (asked: ChangesRequested) => JsonObject | undefined | Promise<JsonObject | undefined>;

export type Revise = (args: JsonObject, revision: number) => Promise<unknown>;

/** What a review that moved on meanwhile answers to a revision: it is looked at again, and that tells. */
const MOVED_ON: ReadonlySet<string> = new Set(['not_awaiting_revision', 'expired', 'already_resolved']);

/** Asks once for each revision, and sends the answer until it has counted. */
export function answerChanges(ask: OnChangesRequested, revise: Revise): (review: Review) => Promise<void> {
  let asked = 0;
  let unsent: JsonObject | undefined;
  return async (review) => {
    const { status, revision, feedback } = review;
    if (status !== 'changes_requested') return;
    if (revision > asked) {
      unsent = await ask({ review, revision, comment: feedback?.comment ?? '' });
      asked = revision;
    }
    if (unsent === undefined) return;
    try {
      await revise(unsent, revision);
      unsent = undefined;
    } catch (error) {
      if (!(error instanceof HoldpointError)) throw error;
      if (MOVED_ON.has(error.code)) unsent = undefined;
      else if (!error.retryable) throw error;
    }
  };
}

import { z } from 'zod';
import { REVIEW_ID_PATTERN, ULID_PATTERN } from './constants.ts';

export const reviewIdSchema = z.string().regex(REVIEW_ID_PATTERN, 'a review id: rev_ and a ULID of 26 characters');
export type ReviewId = string;

export const ulidSchema = z.string().regex(ULID_PATTERN);

/** The id of a review's policy decision: the review's ULID under another prefix. */
export function decisionIdOf(reviewId: ReviewId): string {
  return `dec_${reviewId.slice('rev_'.length)}`;
}

/** Names of people, agents and groups: exact matches only, never patterns. */
export const principalIdSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:@-]*$/,
    'a name of letters, digits and . _ : @ - that starts with a letter or digit',
  );

import { z } from 'zod';

const ULID = '[0-7][0-9A-HJKMNP-TV-Z]{25}';

/** `rev_<ULID>`; also the Temporal workflow id of the review. */
export const reviewIdSchema = z.string().regex(new RegExp(`^rev_${ULID}$`));
export type ReviewId = string;

export const ulidSchema = z.string().regex(new RegExp(`^${ULID}$`));

/** The id of a review's policy decision: the review's ULID under another prefix. */
export function decisionIdOf(reviewId: ReviewId): string {
  return `dec_${reviewId.slice('rev_'.length)}`;
}

/** Names of people, agents and groups: exact matches only, never patterns. */
export const principalIdSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@-]*$/);

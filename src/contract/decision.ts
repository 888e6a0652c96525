import { z } from 'zod';
import { digestSchema, jsonObjectSchema, jsonSchema } from './json.ts';
import { decisionTypeSchema } from './review.ts';
import { reviewIdSchema } from './ids.ts';

/** Body of `POST /v1/reviews/:id/decision`. */
export const decisionRequestSchema = z.strictObject({
  type: decisionTypeSchema,
  /** The digest that was shown. */
  digest: digestSchema,
  comment: z.string().max(4_000).optional(),
  /** `edit` only: the whole new arguments of the same tool. */
  arguments: jsonObjectSchema.optional(),
  /** `respond` only. */
  response: jsonSchema.optional(),
  /**
   * `approve` and `edit`: the equal calls that this one is to repeat, by their reviews. Twice is meant; without it a yes to
   * a call that ran already, or that waits already, is `repeat_not_confirmed`.
   */
  repeats: z.array(reviewIdSchema).max(50).optional(),
});
export type DecisionRequest = z.infer<typeof decisionRequestSchema>;

export const decisionsRequestSchema = z.strictObject({
  decisions: z
    .array(decisionRequestSchema.extend({ reviewId: reviewIdSchema }))
    .min(1)
    .max(100),
});

export const decisionsResponseSchema = z.object({
  results: z.array(
    z.object({
      reviewId: reviewIdSchema,
      httpStatus: z.int(),
      code: z.string().optional(),
      /** With `repeat_not_confirmed`. */
      repeats: z.array(reviewIdSchema).optional(),
    }),
  ),
});

/** Body of `POST /v1/reviews/:id/revision`, by the proposer, in `changes_requested`. */
export const revisionRequestSchema = z.strictObject({
  arguments: jsonObjectSchema,
  /**
   * The revision that changes were asked of. With it a request may be sent again: where the proposer has answered that
   * revision already, the state as it stands is the answer. Without it: whichever is asked of now.
   */
  revision: z.int().min(1).optional(),
  reason: z.string().max(4_000).optional(),
});
export type RevisionRequest = z.infer<typeof revisionRequestSchema>;

/** Body of `POST /v1/reviews/:id/reconcile`. */
export const reconcileRequestSchema = z.strictObject({
  outcome: z.enum(['executed', 'failed']),
  note: z.string().min(1).max(4_000),
});
export type ReconcileRequest = z.infer<typeof reconcileRequestSchema>;

import { z } from 'zod';
import { CLASSES, GATES, serviceNameSchema, toolNameSchema, urgencySchema } from './call.ts';
import { reviewIdSchema } from './ids.ts';
import { jsonObjectSchema } from './json.ts';
import { executionViewSchema, feedbackSchema, reasonSchema } from './review.ts';

/** Body of `POST /v1/execute`. */
export const executeRequestSchema = z.strictObject({
  service: serviceNameSchema,
  tool: toolNameSchema,
  arguments: jsonObjectSchema,
  /** The agent's own words; shown to reviewers as the agent's. */
  reason: z.string().max(4_000).optional(),
  /** Facts for rules. Never lowers a class; values pinned for the agent in config win. */
  context: jsonObjectSchema.optional(),
  /** How urgent the agent says it is: shown as its word, and for rules, of which it never lowers a class. */
  urgency: urgencySchema.optional(),
  threadId: z.string().min(1).max(255).optional(),
  group: z.string().min(1).max(255).optional(),
  /** Seconds to hold the answer while a hard gate waits. */
  waitSeconds: z.int().min(0).max(60).optional(),
  /** Where the final answer is posted; must start with one of the configured `callbacks`. */
  callback: z.url().max(2_000).optional(),
});
export type ExecuteRequest = z.infer<typeof executeRequestSchema>;

export const idempotencyKeySchema = z.string().min(1).max(255);

export const executeBatchRequestSchema = z.strictObject({
  calls: z
    .array(executeRequestSchema.omit({ group: true, waitSeconds: true }))
    .min(1)
    .max(50),
  group: z.string().min(1).max(255).optional(),
});
export type ExecuteBatchRequest = z.infer<typeof executeBatchRequestSchema>;

export const OUTCOMES = ['EXECUTED', 'ESCALATE', 'BLOCKED', 'ERROR'] as const;

const executeCommon = {
  decisionId: z.string(),
  reviewId: reviewIdSchema,
  class: z.enum(CLASSES).nullable(),
  gate: z.enum(GATES).nullable(),
  /**
   * Another review stands for this call: an equal one of the same agent that waits for people, or that they rejected
   * within the last hour. Nothing new was begun, and its deadline is as it was.
   */
  attached: z.literal(true).optional(),
  reasonCodes: z.array(z.string()),
};

/** The call as it was let through, told where a reviewer changed it: what was proposed is not what ran. */
const ranSchema = z.object({
  service: z.string(),
  tool: z.string(),
  /** Null where retention has erased them. */
  arguments: jsonObjectSchema.nullable(),
});

export const executeResponseSchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('EXECUTED'),
    ...executeCommon,
    execution: executionViewSchema,
    /** Present where `execution.edited`. */
    call: ranSchema.optional(),
  }),
  z.object({
    outcome: z.literal('ESCALATE'),
    ...executeCommon,
    /** What there is to say of its reason codes: which part of the SQL is not plain, and how to allow it. */
    reasons: z.array(reasonSchema).optional(),
    expiresAt: z.string().nullable(),
    statusUrl: z.string(),
    /** Present where a reviewer asks for changes: answer with `POST /v1/reviews/{reviewId}/revision`. */
    feedback: feedbackSchema.optional(),
  }),
  z.object({
    outcome: z.literal('BLOCKED'),
    ...executeCommon,
    /** Whether proposing the same call again can help. */
    retryable: z.boolean(),
    /** The reviewer's words, after a rejection. */
    comment: z.string().optional(),
    /** Which argument does not fit, for `arguments_invalid`; which connector, for `connector_missing`; that the service is another, for `unknown_tool`; whose freeze, for `frozen`. */
    errors: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
  }),
  z.object({
    outcome: z.literal('ERROR'),
    ...executeCommon,
    executionError: z.object({ code: z.string(), message: z.string() }),
    execution: executionViewSchema,
    /** Present where `execution.edited`. */
    call: ranSchema.optional(),
  }),
]);
export type ExecuteResponse = z.infer<typeof executeResponseSchema>;

/** Outcome → HTTP status of a single execute. */
export const OUTCOME_STATUS = { EXECUTED: 200, ESCALATE: 202, BLOCKED: 403, ERROR: 502 } as const;

export const executeBatchResponseSchema = z.object({
  group: z.string(),
  results: z.array(z.record(z.string(), z.unknown())),
});

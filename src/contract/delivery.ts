import { z } from 'zod';
import { reviewIdSchema } from './ids.ts';
import { queryCountSchema } from './json.ts';

/**
 * What is told to people and machines. Every notice follows from one entry of the audit log, so its place in the log is
 * its sequence number, and losing the process that tells it loses nothing.
 */
export const NOTICE_EVENTS = [
  /** The review waits for people: it was just opened, or its next level was. */
  'review.pending',
  /** A soft gate: the call proceeds, and people may know. */
  'review.proceeding',
  /** Policy said no at once. */
  'review.blocked',
  /** A vote was admitted. */
  'review.decided',
  /** A stored no lapsed: another version came before it was counted. */
  'review.objection_lapsed',
  /** A reviewer asks the proposer for changes. */
  'review.revision_requested',
  /** There is another version (the proposer's revision, or a reviewer's edit); all votes are void. */
  'review.revised',
  'review.reminder',
  'review.escalated',
  /** Approved, rejected, expired, withdrawn or aborted. */
  'review.resolved',
  /** The final answer to the agent that proposed; callbacks alone. */
  'review.final',
  'execution.started',
  /** The call was sent without effect, and is made again within the time that its approval allows. */
  'execution.deferred',
  'execution.executed',
  'execution.failed',
  /** Nobody knows whether the call took effect: a person has to look. */
  'execution.unknown',
  'execution.reconciled',
] as const;
export type NoticeEvent = (typeof NOTICE_EVENTS)[number];

/**
 * What people and machines are told, as storage keeps it. The audit log is the source: a fan-out follows it with one
 * durable cursor and writes a row for every notice and destination; deliverers settle these rows.
 */
export const DELIVERY_STATES = ['waiting', 'delivered', 'skipped', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** A row of `GET /v1/deliveries`. */
export const deliverySchema = z.object({
  /** Audit index of the entry that it tells of. */
  sequence: z.int(),
  destination: z.string(),
  event: z.string(),
  reviewId: reviewIdSchema,
  state: z.enum(DELIVERY_STATES),
  attempts: z.int(),
  /** Of the last attempt: why it failed, or why nothing was sent. */
  code: z.string().nullable(),
  /** What the target answered last, where it speaks HTTP. */
  httpStatus: z.int().nullable(),
  at: z.string(),
  triedAt: z.string().nullable(),
  settledAt: z.string().nullable(),
});
export type Delivery = z.infer<typeof deliverySchema>;

export const deliveryPageSchema = z.object({ deliveries: z.array(deliverySchema), nextCursor: z.string().nullable() });
export type DeliveryPage = z.infer<typeof deliveryPageSchema>;

/** Query of `GET /v1/deliveries`. */
export const deliveryQuerySchema = z.strictObject({
  destination: z.string().min(1).max(2_100).optional(),
  reviewId: reviewIdSchema.optional(),
  state: z.enum(DELIVERY_STATES).optional(),
  limit: queryCountSchema(1, 200).optional(),
  cursor: z.string().min(1).max(3_000).optional(),
});
export type DeliveryQuery = z.infer<typeof deliveryQuerySchema>;

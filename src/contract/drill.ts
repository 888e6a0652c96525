import { z } from 'zod';
import { DELIVERY_STATES } from './delivery.ts';
import { reviewIdSchema } from './ids.ts';
import { durationUpTo } from './policy.ts';
import { channelSchema, statusSchema } from './review.ts';

export const DRILL_TTL = { default: '15m', longest: '4h' } as const;

/** Body of `POST /v1/drills`. */
export const drillRequestSchema = z.strictObject({
  group: z.string().min(1).max(200),
  /** Time to answer; default 15m. */
  ttl: durationUpTo(DRILL_TTL.longest).optional(),
});
export type DrillRequest = z.infer<typeof drillRequestSchema>;

export const drillStartedSchema = z.object({
  reviewId: reviewIdSchema,
  group: z.string(),
  members: z.array(z.string()),
});
export type DrillStarted = z.infer<typeof drillStartedSchema>;

const drillNoticeSchema = z.object({
  destination: z.string(),
  state: z.enum(DELIVERY_STATES),
  /** Why it failed, or why nothing was sent. */
  code: z.string().nullable(),
  /** When it was delivered, or given up; null: it has not been yet. */
  at: z.string().nullable(),
});
export type DrillNotice = z.infer<typeof drillNoticeSchema>;

/** Who was told of a drill, and who answered. */
export const drillReportSchema = z.object({
  reviewId: reviewIdSchema,
  group: z.string(),
  startedBy: z.string(),
  startedAt: z.string(),
  expiresAt: z.string().nullable(),
  /** When everyone had answered, or time was up; null: it still runs. */
  endedAt: z.string().nullable(),
  status: statusSchema,
  /** Members of the group when the drill began. */
  members: z.array(
    z.object({
      reviewer: z.string(),
      /** Messages to this person alone; the page shows the drill to everyone. */
      notices: z.array(drillNoticeSchema),
      answer: z.object({ at: z.string(), channel: channelSchema }).nullable(),
    }),
  ),
  /** Messages that are not for one person: Slack and webhooks. */
  notices: z.array(drillNoticeSchema),
});
export type DrillReport = z.infer<typeof drillReportSchema>;

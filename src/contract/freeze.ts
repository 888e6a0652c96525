import { z } from 'zod';
import { FREEZE_ID_PATTERN } from './constants.ts';

/** `*`, a tool, or the beginning of a tool's name followed by `*`. */
const toolPatternSchema = z
  .string()
  .max(200)
  .regex(/^(?:[A-Za-z0-9_.-]+\*?|\*)$/, 'a tool, the beginning of its name followed by *, or *');

export const freezeIdSchema = z.string().regex(FREEZE_ID_PATTERN, 'a freeze id: frz_ and a ULID of 26 characters');

const whySchema = z
  .string()
  .trim()
  .min(1)
  .max(1_000)
  // PostgreSQL's JSON has no NUL.
  .refine((text) => !text.includes('\0'), 'a text without NUL');

/** Body of `POST /v1/freezes`. */
export const freezeRequestSchema = z.strictObject({
  tools: z.array(toolPatternSchema).min(1).max(50),
  why: whySchema,
});
export type FreezeRequest = z.infer<typeof freezeRequestSchema>;

/** Body of `POST /v1/freezes/:id/lift`. */
export const liftRequestSchema = z.strictObject({ why: whySchema });
export type LiftRequest = z.infer<typeof liftRequestSchema>;

/** A freeze that an operator ordered and that has not been lifted. */
export const standingFreezeSchema = z.object({
  id: z.string(),
  /** Tool patterns. */
  tools: z.array(z.string()).readonly(),
  by: z.string(),
  why: z.string(),
  at: z.string(),
});
export type StandingFreeze = Readonly<z.infer<typeof standingFreezeSchema>>;

/** What the database has of freezes, in one moment. */
export interface Freezes {
  /** Rises with every freeze and every lift. */
  readonly version: number;
  readonly standing: readonly StandingFreeze[];
}

export const freezeViewSchema = z.object({
  ...standingFreezeSchema.shape,
  /** Null: it stands. */
  lifted: z.object({ by: z.string(), why: z.string(), at: z.string() }).nullable(),
});
export type FreezeView = z.infer<typeof freezeViewSchema>;

export const freezeAnswerSchema = z.object({
  freeze: freezeViewSchema,
  /** Patterns that fit no tool that is known now. */
  unmatched: z.array(z.string()),
});
export type FreezeAnswer = z.infer<typeof freezeAnswerSchema>;

export const freezeListSchema = z.object({
  /** Those that stand, and the latest that were lifted; the newest first. */
  freezes: z.array(freezeViewSchema),
  /** `freeze` of the configuration, which only whoever edits that file lifts. */
  configured: z.array(z.string()),
  /** Whether the caller may freeze. */
  operator: z.boolean(),
  /** A freeze is lifted by another operator than the one who ordered it. */
  liftBySecondPerson: z.boolean(),
});
export type FreezeList = z.infer<typeof freezeListSchema>;

import { z } from 'zod';
import { classSchema, evidenceSchema, gateSchema, previewErrorSchema, targetSchema, urgencySchema } from './call.ts';
import { digestSchema, jsonObjectSchema, jsonSchema } from './json.ts';
import { reviewIdSchema } from './ids.ts';
import { moneyPlaceSchema } from './policy.ts';

export { LIMITS, NOT_STARTED } from './constants.ts';

/** Decision status: what people (or time, or policy) said. Never mixed with execution status. */
export const STATUSES = [
  'pending',
  'changes_requested',
  'approved',
  'rejected',
  'expired',
  'withdrawn',
  'not_required',
  'blocked',
  'aborted',
] as const;
export const statusSchema = z.enum(STATUSES);
export type ReviewStatus = z.infer<typeof statusSchema>;

export const EXECUTION_STATUSES = ['not_started', 'executing', 'executed', 'failed', 'outcome_unknown'] as const;
export const executionStatusSchema = z.enum(EXECUTION_STATUSES);
export type ExecutionStatus = z.infer<typeof executionStatusSchema>;

export const DECISION_TYPES = ['approve', 'edit', 'reject', 'revise', 'respond'] as const;
export const decisionTypeSchema = z.enum(DECISION_TYPES);
export type DecisionType = z.infer<typeof decisionTypeSchema>;

export const CHANNELS = ['api', 'dashboard', 'email', 'slack', 'cli'] as const;
export const channelSchema = z.enum(CHANNELS);

export const kindSchema = z.enum(['call', 'in-flow']);

/** One step of a chained approval, as it stands in the digest. */
export const levelSchema = z.strictObject({
  name: z.string(),
  /** Groups; exact names. */
  approvers: z.array(z.string()).min(1),
  quorum: z.int().min(1),
  /** From `at` on, members of `to` may vote too. */
  escalation: z.strictObject({ at: z.string(), to: z.array(z.string()) }).nullable(),
});
export type Level = z.infer<typeof levelSchema>;

/**
 * What is approved: the digest is taken over exactly this (RFC 8785, SHA-256). `arguments` hold sealed values only
 * in their sealed form.
 */
export const materialSchema = z.strictObject({
  schemaVersion: z.literal(1),
  deploymentId: z.string(),
  reviewId: reviewIdSchema,
  revision: z.int().min(1),
  kind: kindSchema,
  proposer: z.string(),
  owner: z.string().nullable(),
  service: z.string(),
  tool: z.string(),
  arguments: jsonObjectSchema,
  target: targetSchema.nullable(),
  evidence: evidenceSchema.nullable(),
  context: jsonObjectSchema,
  class: classSchema,
  levels: z.array(levelSchema),
  separationOfDuties: z.boolean(),
  expiresAt: z.string().nullable(),
  policyDigest: digestSchema,
});
export type Material = z.infer<typeof materialSchema>;

export const decisionViewSchema = z.object({
  decisionUlid: z.string(),
  type: decisionTypeSchema,
  reviewer: z.string(),
  channel: channelSchema,
  decidedAt: z.string(),
  level: z.int(),
  revision: z.int(),
  comment: z.string().nullable(),
});
export type DecisionView = z.infer<typeof decisionViewSchema>;

export const executionViewSchema = z.object({
  status: executionStatusSchema,
  body: jsonSchema.optional(),
  /** HTTP status of the target where it has one. */
  upstreamStatus: z.int().optional(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  /** The target asked not to be called again before this (`Retry-After`). */
  retryAfter: z.string().optional(),
  /**
   * The call was sent without effect, and waits to be made again: why, how often so far, and not before when. A call that
   * was denied while it waited keeps it.
   */
  deferred: z
    .object({
      code: z.string(),
      message: z.string(),
      upstreamStatus: z.int().optional(),
      at: z.string(),
      retryAt: z.string(),
      times: z.int(),
    })
    .optional(),
  /** The call waits until its tool is no longer frozen; all null: by the configuration. */
  frozen: z.object({ by: z.string().nullable(), why: z.string().nullable(), at: z.string().nullable() }).optional(),
  /** As many calls of its tool were made in the last hour as the configuration allows: it is not made before `from`. */
  limited: z.object({ perHour: z.int(), from: z.string() }).optional(),
  /** An outcome that was not recorded: until then the request may still be in flight and cannot be settled. */
  reconcilableFrom: z.string().optional(),
  /** What really ran differs from what was proposed. */
  edited: z.boolean().optional(),
  /** Whose rejection, stored before the claim, stopped the call. */
  stopped: z.object({ by: z.string(), comment: z.string().nullable(), at: z.string() }).optional(),
  reconciled: z
    .object({ outcome: z.enum(['executed', 'failed']), by: z.string(), note: z.string(), at: z.string() })
    .optional(),
});
export type ExecutionView = z.infer<typeof executionViewSchema>;

/** What a reviewer asks to be changed. */
export const feedbackSchema = z.object({ by: z.string(), comment: z.string(), at: z.string() });

/** An amount of a call in its currency, with the raw value beside it: `1,250.00 HUF (125000)`. */
export const writtenAmountSchema = z.object({
  /** In the arguments (a JSON Pointer) or among the facts of the evidence. */
  place: moneyPlaceSchema,
  text: z.string(),
  /** Where its currency stands; null: policy names it. */
  currency: moneyPlaceSchema.nullable(),
});
export type WrittenAmount = z.infer<typeof writtenAmountSchema>;

/**
 * A part of the sentence that says what a call does: policy's words, or a value of the call, in quotes if it is text.
 * `toAgent`: what its own agent reads instead; never sent.
 */
export const sentencePartSchema = z.union([
  z.object({ policy: z.string() }),
  z.object({ value: z.string(), toAgent: z.string().optional() }),
]);
export type SentencePart = z.infer<typeof sentencePartSchema>;

const callViewSchema = z.object({
  service: z.string(),
  tool: z.string(),
  arguments: jsonObjectSchema.nullable(),
  digest: digestSchema.nullable(),
});

/** More about a reason code, for this very call. */
export const reasonSchema = z.object({ code: z.string(), message: z.string() });
export type Reason = z.infer<typeof reasonSchema>;

/** A condition of the policy that a call met. */
export const metConditionSchema = z.object({
  /** Where it stands and what it says: `policy.yaml:31 arguments.amount > 100`. */
  source: z.string(),
  /** What of the call it looks at: JSON Pointers such as `/arguments/amount`, `/context/env`, `/urgency`. */
  reads: z.array(z.string()),
});
export type MetCondition = z.infer<typeof metConditionSchema>;

/** A rule that raised the class of a call; with `error` because it could not be judged. */
export const firedRuleSchema = metConditionSchema.extend({
  class: classSchema,
  gate: gateSchema.nullable(),
  reason: z.string().nullable(),
  error: z.string().nullable(),
});
export type FiredRule = z.infer<typeof firedRuleSchema>;

/** Why policy holds a call: rules beside its tool's own class, and the `match` that selected its approval. */
export const heldBySchema = z.object({ rules: z.array(firedRuleSchema), approval: metConditionSchema });
export type HeldBy = z.infer<typeof heldBySchema>;

/** A level that too few people are left to pass. */
export const shortfallSchema = z.object({
  /** Name of the level. */
  level: z.string(),
  quorum: z.int(),
  /** That it has. */
  votes: z.int(),
  /** Reviewers who may still vote on it. */
  left: z.array(z.string()),
  /** Reviewers who have voted on it and may not any more, so that the call would be refused although it was approved. */
  lost: z.array(z.string()),
});
export type Shortfall = z.infer<typeof shortfallSchema>;

/**
 * Another review of the same agent and tool. Only reviewers are told of it, with the state of a review that was held, by
 * `GET /v1/reviews/:id`.
 */
export const relatedReviewSchema = z.object({
  reviewId: reviewIdSchema,
  /**
   * `equal`: of the very same call, and it waits, is approved or ran within the hour before this one was proposed.
   * `earlier`: what was tried in that hour, where some of it was rejected, stopped or edited.
   */
  relation: z.enum(['equal', 'earlier']),
  status: statusSchema,
  executionStatus: executionStatusSchema,
  /** Its call in one line, amounts in their currency first, as it stands or ran; arguments are clipped. */
  summary: z.string(),
  proposedAt: z.string(),
  /** When it ran, or ended without. */
  endedAt: z.string().nullable(),
  decidedBy: z.string().nullable(),
  /** Who changed the call, where a person did. */
  editedBy: z.string().nullable(),
  /** The call of an `earlier` one was proposed as this one is, and changed later. */
  proposedAsThis: z.boolean(),
  /** A yes to this review would make the call a second time: the decision has to name that review in `repeats`. */
  mustConfirm: z.boolean(),
});
export type RelatedReview = z.infer<typeof relatedReviewSchema>;

/** Which parts of which tools of an upstream MCP server differ from what was accepted. */
const upstreamChangesSchema = z.object({
  tools: z.array(z.object({ tool: z.string(), parts: z.array(z.string()) })),
  /** Changed tools that are not named. */
  more: z.int(),
});
export type UpstreamChanges = z.infer<typeof upstreamChangesSchema>;

/** Full state of a review, as `GET /v1/reviews/:id` answers and as the reviews table keeps it. Times: ISO 8601 UTC. */
export const reviewSchema = z.object({
  reviewId: reviewIdSchema,
  decisionId: z.string(),
  deploymentId: z.string(),
  kind: kindSchema,
  status: statusSchema,
  class: classSchema.nullable(),
  gate: gateSchema.nullable(),
  reasonCodes: z.array(z.string()),
  /** As this version was classified; absent where it was not held. Never shown to agents. */
  heldBy: heldBySchema.optional(),
  call: callViewSchema,
  /** Rendered request without credentials. */
  target: targetSchema.nullable(),
  revision: z.int(),
  /** Older revisions carry their digest only (`call.arguments: null`). */
  revisions: z.array(
    z.object({
      revision: z.int(),
      call: callViewSchema,
      submittedAt: z.string(),
      by: z.string(),
      decisions: z.array(decisionViewSchema),
    }),
  ),
  levels: z.array(
    levelSchema.extend({ status: z.enum(['waiting', 'open', 'passed']), decisions: z.array(decisionViewSchema) }),
  ),
  /** 1-based number of the level that is open; 0 where none is. */
  level: z.int(),
  separationOfDuties: z.boolean(),
  policyDigest: digestSchema.nullable(),
  /** While a call is approved and has not been claimed: `reject` alone, which stops it. */
  allowedDecisions: z.array(decisionTypeSchema),
  proposer: z.object({ id: z.string(), owner: z.string().nullable(), attested: z.boolean() }),
  reason: z.string().nullable(),
  /** The proposer's word; null: it said nothing. Absent in what was stored before there was such a thing. */
  urgency: urgencySchema.nullable().optional(),
  context: jsonObjectSchema,
  threadId: z.string().nullable(),
  group: z.string().nullable(),
  callback: z.string().nullable(),
  evidence: z.array(evidenceSchema),
  /** Amounts that the tool's `money` declares, as policy stood when the version was classified. Absent: none. */
  amounts: z.array(writtenAmountSchema).optional(),
  /** Calls only: what it does, from the `title` of its tool, as policy stood when the version was classified. */
  sentence: z.array(sentencePartSchema).optional(),
  /** Why there is no evidence although the tool has a preview; never shown to agents. */
  previewError: previewErrorSchema.nullable(),
  /** Why calls of its upstream MCP server are held; absent: nothing changed there. */
  upstreamChanges: upstreamChangesSchema.optional(),
  /** In-flow only: what is asked. */
  title: z.string().nullable(),
  proposedAt: z.string(),
  expiresAt: z.string().nullable(),
  resolvedAt: z.string().nullable(),
  resolution: z
    .object({
      type: z.enum(['approve', 'reject', 'respond', 'expired', 'withdrawn', 'blocked', 'aborted', 'not_required']),
      by: z.string().nullable(),
      comment: z.string().nullable(),
      response: jsonSchema.optional(),
      /** A reviewer changed the arguments that were approved. */
      edited: z.boolean(),
      retryable: z.boolean(),
    })
    .nullable(),
  /** Present in `changes_requested`: the feedback. */
  feedback: feedbackSchema.nullable(),
  execution: executionViewSchema,
  related: z.array(relatedReviewSchema).optional(),
  workflow: z
    .object({ workflowId: z.string(), runId: z.string(), url: z.string().nullable() })
    .nullable()
    .meta({ description: 'null: a reversible call that was made without a workflow' }),
  /** Never stored: told to reviewers while it waits, by the people in force, where it cannot be approved any more. */
  shortfall: shortfallSchema.optional(),
  /** Never stored: what there is to say of its reason codes, by the policy in force. */
  reasons: z.array(reasonSchema).optional(),
});
export type Review = z.infer<typeof reviewSchema>;

/** A row of `GET /v1/reviews`: no digest, no arguments in full. */
export const reviewRowSchema = reviewSchema
  .pick({
    reviewId: true,
    decisionId: true,
    kind: true,
    status: true,
    class: true,
    gate: true,
    reasonCodes: true,
    revision: true,
    level: true,
    proposer: true,
    reason: true,
    threadId: true,
    group: true,
    title: true,
    amounts: true,
    sentence: true,
    proposedAt: true,
    expiresAt: true,
    resolvedAt: true,
  })
  .extend({
    service: z.string(),
    tool: z.string(),
    /** The call in one line, clipped to 400 bytes. */
    summary: z.string(),
    executionStatus: executionStatusSchema,
    /** Votes still missing on the open level. */
    votesMissing: z.int(),
    /** Groups that may vote on the open level. */
    approvers: z.array(z.string()),
    /** People of these groups who may not: they have voted, or separation of duties keeps them out. */
    closedTo: z.array(z.string()),
  });
export type ReviewRow = z.infer<typeof reviewRowSchema>;

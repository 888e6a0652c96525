import { z } from 'zod';
import { indexedEntrySchema } from './audit.ts';
import { CLASSES, classSchema, gateSchema, serviceNameSchema, toolNameSchema, urgencySchema } from './call.ts';
import { PROBLEMS, type ProblemCode } from './codes.ts';
import { reviewIdSchema } from './ids.ts';
import { commaListSchema, queryCountSchema, jsonObjectSchema, digestSchema, timestampSchema } from './json.ts';
import { PART_NAMES } from './part.ts';
import { EFFECTS, moneySchema } from './policy.ts';
import { firedRuleSchema, reasonSchema, reviewRowSchema, STATUSES } from './review.ts';

/** Shapes that only the HTTP door speaks: queries, problems and the answers that are no review. */

const fieldErrorSchema = z.object({
  /** JSON Pointer into the body, or `/` and the name of a query parameter or header. */
  pointer: z.string(),
  message: z.string(),
  /** Absent: the body. */
  in: z.enum(['query', 'header']).optional(),
});
export type FieldError = z.infer<typeof fieldErrorSchema>;

/** RFC 9457, `application/problem+json`. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** Names this occurrence; the server's log has it too. */
  instance: z.string(),
  code: z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]),
  errors: z.array(fieldErrorSchema).optional(),
  /**
   * With `idempotency_mismatch`: the caller's own review that the key stands for (of a batch, its first one). With a 503: the
   * call that may have run.
   */
  reviewId: reviewIdSchema.optional(),
  /** With `repeat_not_confirmed`: the reviews of the equal calls, to be named in the decision's `repeats`. */
  repeats: z.array(reviewIdSchema).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** Seconds that an answer may be held. */
export const waitQuerySchema = z.strictObject({ waitSeconds: queryCountSchema(0, 60).optional() });

const queryText = z.string().min(1).max(255);
/** Query of `GET /v1/reviews`. `status` is a comma-separated list. */
export const listQuerySchema = z.strictObject({
  status: commaListSchema(STATUSES).optional(),
  tool: queryText.optional(),
  service: queryText.optional(),
  proposer: queryText.optional(),
  threadId: queryText.optional(),
  group: queryText.optional(),
  /**
   * `outcome_unknown`: calls that wait for a person to reconcile them. `not_started`: approved calls that have not been
   * claimed yet and can still be stopped.
   */
  execution: z.enum(['outcome_unknown', 'not_started']).optional(),
  /** Pending reviews whose open level the caller may vote on. */
  approver: z.literal('me').optional(),
  limit: queryCountSchema(1, 200).optional(),
  cursor: z.string().min(1).max(2_000).optional(),
});
export type ListQuery = z.infer<typeof listQuerySchema>;

export const listResponseSchema = z.object({ reviews: z.array(reviewRowSchema), nextCursor: z.string().nullable() });
export type ListResponse = z.infer<typeof listResponseSchema>;

/**
 * 202 of a decision, revision, withdrawal or reconciliation: queued, not counted yet; neither a yes nor a no. A reject is
 * stored by then, and counts until the call is claimed.
 */
export const queuedSchema = z.object({
  queued: z.literal(true),
  reviewId: reviewIdSchema,
  /** Id of the receipt. */
  decisionUlid: z.string(),
  statusUrl: z.string(),
});
export type Queued = z.infer<typeof queuedSchema>;

export const explainRequestSchema = z.strictObject({
  service: serviceNameSchema,
  tool: toolNameSchema,
  arguments: jsonObjectSchema,
  context: jsonObjectSchema.optional(),
  urgency: urgencySchema.optional(),
});
export type ExplainRequest = z.infer<typeof explainRequestSchema>;

const plannedLevelsSchema = z.array(z.object({ name: z.string(), approvers: z.array(z.string()), quorum: z.int() }));

export const explanationSchema = z.object({
  class: z.enum(CLASSES).nullable(),
  /** Null: the call would be blocked. */
  gate: gateSchema.nullable(),
  blocked: z.boolean(),
  reasonCodes: z.array(z.string()),
  /** What there is to say of its reason codes. */
  reasons: z.array(reasonSchema).optional(),
  /** Who would have to say yes, step by step. */
  levels: plannedLevelsSchema,
  /** The rules that fired. */
  rules: z.array(firedRuleSchema),
  errors: z.array(fieldErrorSchema).optional(),
});
export type Explanation = z.infer<typeof explanationSchema>;

export const auditPageSchema = z.object({
  entries: z.array(indexedEntrySchema),
  /** Index to go on from; null at the end of the log. With a filter there may be more after an empty page. */
  nextFrom: z.int().nullable(),
});
export type AuditPage = z.infer<typeof auditPageSchema>;

export const checkpointResponseSchema = z.object({
  /** Number of entries it covers. */
  size: z.int(),
  /** C2SP signed note holding a tlog-checkpoint. */
  checkpoint: z.string(),
});
export type CheckpointResponse = z.infer<typeof checkpointResponseSchema>;

/** A tool as a reviewer reads it. */
const toolSummarySchema = z.object({
  tool: toolNameSchema,
  service: serviceNameSchema,
  origin: z.enum(['builtin', 'user']),
  /** What a call does, for people; `{name}` stands for an argument. */
  title: z.string().nullable(),
  /** What the tool does, for models. */
  description: z.string().nullable(),
  class: classSchema,
  gate: gateSchema.nullable(),
  /** What a call can do beyond its answer; null: not stated. */
  effects: z.array(z.enum(EFFECTS)).nullable(),
  /** Why it has this class. */
  reason: z.string().nullable(),
  /**
   * Who may come to decide on its calls, in order. `when`: the condition (CEL); null: every call that came under none
   * before. Empty: neither its class nor a rule holds its calls.
   */
  approvals: z.array(z.object({ when: z.string().nullable(), levels: plannedLevelsSchema })),
  /** What of the arguments and the evidence is money. */
  money: z.array(moneySchema),
  /** JSON Pointers of arguments that are sealed on arrival. */
  seal: z.array(z.string()),
});
export type ToolSummary = z.infer<typeof toolSummarySchema>;

export const toolListSchema = z.object({ tools: z.array(toolSummarySchema) });
export type ToolList = z.infer<typeof toolListSchema>;

/** `arguments`: JSON Schema (2020-12); null: any object. */
export const toolViewSchema = toolSummarySchema.extend({ arguments: jsonObjectSchema.nullable() });
export type ToolView = z.infer<typeof toolViewSchema>;

/** Of `GET /readyz`. Who is not signed in gets `ready` and `problemCount` alone. */
export const readinessSchema = z.object({
  ready: z.boolean(),
  /** What is down, and what is wrong without making the part unready. */
  problemCount: z.int(),
  checks: z.record(z.string(), z.enum(['ok', 'down'])).optional(),
  problems: z
    .array(
      z.object({
        code: z.string(),
        message: z.string(),
        /** Whose problem it is; absent: the deployment's. */
        part: z.object({ name: z.enum(PART_NAMES), instance: z.string() }).optional(),
      }),
    )
    .optional(),
  /** Every process that is there, or was within the last minutes; this one first. */
  parts: z
    .array(
      z.object({
        part: z.enum(PART_NAMES),
        instance: z.string(),
        version: z.string(),
        configDigest: z.string(),
        policyDigest: z.string(),
        /** Of its start. */
        since: timestampSchema,
        seenAt: timestampSchema,
        problems: z.array(z.string()),
      }),
    )
    .optional(),
});
export type Readiness = z.infer<typeof readinessSchema>;

/** Answer of `GET /v1/mcp/upstreams`. */
export const upstreamListSchema = z.object({
  tools: z.array(
    z.object({
      /** `mcp.<server>.<tool>`, the key of `accept` in the policy file. */
      key: z.string(),
      server: z.string(),
      tool: z.string(),
      state: z.enum(['accepted', 'changed', 'gone']),
      /** As it is now; null: no longer listed. */
      digest: digestSchema.nullable(),
      /** As it was when it was first seen. */
      first: digestSchema,
      /** What `accept` takes: `digest`, or with `acceptDescriptions` that of everything but the description. */
      accept: digestSchema.nullable(),
      /** Parts that differ from what was accepted, e.g. `description`. */
      changed: z.array(z.string()),
      /** Why it is offered to no agent, in words; null: it is, to those who may propose it. */
      notOffered: z.string().nullable(),
      /** Text of the upstream, made visible. */
      description: z.string().nullable(),
      inputSchema: z.record(z.string(), z.unknown()).nullable(),
    }),
  ),
});
export type UpstreamList = z.infer<typeof upstreamListSchema>;

/** The policy file that decides now. It holds no secrets: credentials are in the configuration, as references. */
export const policyInForceSchema = z.object({
  /** Name of the file, without its folder. */
  name: z.string(),
  text: z.string(),
  /** Of the whole policy, included catalogs and all; every record of a decision has it. */
  digest: digestSchema,
  /** When it was read and came into force in this process. */
  loadedAt: timestampSchema,
  /** What in the files in force is probably not meant. */
  warnings: z.array(
    z.object({
      file: z.string(),
      line: z.int(),
      column: z.int(),
      message: z.string(),
      fix: z.string(),
    }),
  ),
  /** Why the files on disk are not the ones in force; null: they are. */
  problem: z.string().nullable(),
});
export type PolicyInForce = z.infer<typeof policyInForceSchema>;

/** Query of `GET /v1/session/oidc`. A path of this service alone: a link must not lead a signed-in person elsewhere. */
export const oidcStartQuerySchema = z.strictObject({
  returnTo: z
    .string()
    .max(1_000)
    .regex(/^\/([A-Za-z0-9\-._~!$&'()*+,;=:@%?][A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)?$/, 'a path of this service')
    .optional(),
});

/** What an identity provider sends a browser back with; it may add more. Every value is a string, given once. */
export const oidcReturnSchema = z.record(z.string().max(100), z.string().max(8_000));

/** How people can sign in here, for the page. */
export const signInWaysSchema = z.object({
  /** Null: there is no identity provider. */
  oidc: z.object({ issuer: z.string(), start: z.string() }).nullable(),
});
export type SignInWays = z.infer<typeof signInWaysSchema>;

/** How the person authenticated when the session began. */
export const SESSION_METHODS = ['token', 'link', 'oidc'] as const;
export type SessionMethod = (typeof SESSION_METHODS)[number];

/** Body of `POST /v1/session`: a single-use sign-in token (`hpl_…`) or a reviewer's token (`hpr_…`). */
export const signInRequestSchema = z.strictObject({ token: z.string().min(1).max(500) });

export const sessionResponseSchema = z.object({
  reviewer: z.object({ id: z.string(), groups: z.array(z.string()), role: z.enum(['reviewer', 'auditor']) }),
  /** Whether the configuration names the person among its `operators`. */
  operator: z.boolean(),
  /** Groups whose drill the person may start. */
  drillGroups: z.array(z.string()),
  /** To be sent as `X-CSRF-Token` with every request that changes something; null with a bearer token. */
  csrfToken: z.string().nullable(),
  /** Null with a bearer token. */
  session: z
    .object({
      method: z.enum(SESSION_METHODS),
      startedAt: z.string(),
      /** Ends then without another request; `endsAt` is the end in any case. */
      idleEndsAt: z.string(),
      endsAt: z.string(),
      /** Groups of the configuration that the identity provider did not name at sign-in, and what it sent that resembles each. */
      withheldGroups: z.array(z.object({ group: z.string(), nearest: z.string().nullable() })),
    })
    .nullable(),
});
export type SessionResponse = z.infer<typeof sessionResponseSchema>;

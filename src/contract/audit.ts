import { z } from 'zod';
import { classSchema, gateSchema } from './call.ts';
import { dsseEnvelopeSchema, trustedKeySchema } from './envelope.ts';
import { digestSchema, timestampSchema } from './json.ts';
import { reviewIdSchema } from './ids.ts';
import { channelSchema, decisionTypeSchema, materialSchema } from './review.ts';

/**
 * Audit entries. A leaf of the log is the RFC 8785 form of one entry. Entries hold digests and names, never
 * arguments, results, comments or secrets: those can be erased by age while the log still verifies.
 */
const base = { schemaVersion: z.literal(1), deploymentId: z.string(), at: timestampSchema };
const ofReview = {
  ...base,
  reviewId: reviewIdSchema,
  /** The entry's number within its review, from 1. Set by storage as it appends; older leaves have none. */
  n: z.int().min(1).optional(),
  /** Audit index of the review's entry before this one; null for the first. */
  previous: z.int().min(0).nullable().optional(),
};

export const auditEntrySchema = z.discriminatedUnion('type', [
  z.strictObject({
    ...ofReview,
    type: z.literal('proposed'),
    proposer: z.string(),
    owner: z.string().nullable(),
    attested: z.boolean(),
    tool: z.string(),
    /** SHA-256 of the proposal envelope's payload, or of the RFC 8785 form of an unsigned request. */
    proposalDigest: digestSchema,
  }),
  z.strictObject({
    ...ofReview,
    type: z.literal('classified'),
    revision: z.int(),
    class: classSchema.nullable(),
    gate: gateSchema.nullable(),
    status: z.enum(['pending', 'not_required', 'blocked']),
    reasonCodes: z.array(z.string()),
    digest: digestSchema.nullable(),
    policyDigest: digestSchema,
    /** Tool loosened by a user's `override: true`. */
    override: z.boolean(),
  }),
  z.strictObject({
    ...ofReview,
    type: z.literal('notified'),
    /** What people were told of. */
    event: z.enum(['pending', 'soft', 'reminder', 'escalated', 'decided', 'resolved', 'revision', 'unknown', 'lapsed']),
    channel: z.string(),
    recipients: z.array(z.string()),
  }),
  z.strictObject({
    ...ofReview,
    type: z.literal('decided'),
    decisionUlid: z.string(),
    decision: decisionTypeSchema,
    reviewer: z.string(),
    channel: channelSchema,
    revision: z.int(),
    level: z.int(),
    /** Digest that was decided on. */
    digest: digestSchema,
    /** SHA-256 of the decision envelope's payload bytes. */
    envelopeDigest: digestSchema,
    /** Decision status after it. */
    status: z.enum(['pending', 'changes_requested', 'approved', 'rejected']),
  }),
  /** A reject that was stored before the call started, and stopped it at the claim: a no, like a `decided` one. */
  z.strictObject({
    ...ofReview,
    type: z.literal('objected'),
    decisionUlid: z.string(),
    reviewer: z.string(),
    channel: channelSchema,
    revision: z.int(),
    /** Digest that was rejected: the one that would have been claimed. */
    digest: digestSchema,
    envelopeDigest: digestSchema,
  }),
  z.strictObject({
    ...ofReview,
    type: z.literal('revised'),
    revision: z.int(),
    by: z.string(),
    envelopeDigest: digestSchema,
  }),
  z.strictObject({
    ...ofReview,
    type: z.literal('withdrawn'),
    by: z.string(),
    envelopeDigest: digestSchema.nullable(),
  }),
  z.strictObject({ ...ofReview, type: z.literal('expired'), expiresAt: z.string() }),
  z.strictObject({ ...ofReview, type: z.literal('aborted'), reason: z.string() }),
  z.strictObject({
    ...ofReview,
    type: z.literal('started'),
    revision: z.int(),
    digest: digestSchema,
    policyDigest: digestSchema,
    /** Sent again with the same idempotency key after a lost answer. */
    resend: z.boolean(),
  }),
  /** The send provably had no effect, so the approval is not used up: the call is made again, or denied. */
  z.strictObject({
    ...ofReview,
    type: z.literal('deferred'),
    errorCode: z.string(),
    upstreamStatus: z.int().nullable(),
    /** The call is not made again before this. */
    retryAt: timestampSchema,
  }),
  z.strictObject({
    ...ofReview,
    type: z.literal('finished'),
    status: z.enum(['executed', 'failed']),
    errorCode: z.string().nullable(),
    /** SHA-256 over the RFC 8785 form of the stored result. */
    resultDigest: digestSchema.nullable(),
    /** Arrived after the outcome had been called unknown. */
    late: z.boolean(),
  }),
  z.strictObject({ ...ofReview, type: z.literal('unknown'), errorCode: z.string() }),
  z.strictObject({
    ...ofReview,
    type: z.literal('reconciled'),
    outcome: z.enum(['executed', 'failed']),
    by: z.string(),
    envelopeDigest: digestSchema,
  }),
  z.strictObject({
    ...base,
    type: z.literal('policy_changed'),
    policyDigest: digestSchema,
    previous: digestSchema.nullable(),
  }),
  /** A person accepted the log as it was restored from a backup. */
  z.strictObject({
    ...base,
    type: z.literal('restored'),
    by: z.string(),
    why: z.string(),
    /** Entries that the execute worker had signed, which the log had before. */
    lostAfter: z.int().min(0),
    lostUntil: z.int().min(0),
    /** SHA-256 over the RFC 8785 form of the reviews that were looked at, in order. */
    lookedAt: digestSchema,
  }),
  /** An operator stopped tools. Why is in the envelope. */
  z.strictObject({
    ...base,
    type: z.literal('frozen'),
    freezeId: z.string(),
    /** Patterns. */
    tools: z.array(z.string()),
    by: z.string(),
    channel: channelSchema,
    envelopeDigest: digestSchema,
  }),
  z.strictObject({
    ...base,
    type: z.literal('lifted'),
    freezeId: z.string(),
    by: z.string(),
    channel: channelSchema,
    envelopeDigest: digestSchema,
  }),
]);
export type AuditEntry = z.infer<typeof auditEntrySchema>;
export type AuditEntryType = AuditEntry['type'];

export const indexedEntrySchema = z.object({ index: z.int().min(0), entry: auditEntrySchema });
export type IndexedEntry = z.infer<typeof indexedEntrySchema>;

/**
 * The portable proof of one review: `GET /v1/reviews/:id/proof`, checked offline by `holdpoint audit verify --proof`.
 * `keys` are a convenience; a verifier brings the keys it trusts.
 */
export const proofFileSchema = z.strictObject({
  format: z.literal('holdpoint-proof/v1'),
  deploymentId: z.string(),
  reviewId: reviewIdSchema,
  /** C2SP signed note holding a tlog-checkpoint. */
  checkpoint: z.string(),
  entries: z.array(
    z.strictObject({
      index: z.int().min(0),
      entry: auditEntrySchema,
      /** RFC 6962 inclusion proof in the checkpoint's tree: base64 SHA-256 hashes, leaf to root. */
      inclusion: z.array(z.string()),
    }),
  ),
  envelopes: z.array(z.strictObject({ kind: z.string(), envelope: dsseEnvelopeSchema })),
  /** The execute worker's word on how many entries the review had, and when. Null where it has given none. */
  statement: dsseEnvelopeSchema.nullable().default(null),
  /** Digest inputs, oldest revision first; empty where retention has erased them. */
  materials: z.array(materialSchema),
  keys: z.array(trustedKeySchema),
});
export type ProofFile = z.infer<typeof proofFileSchema>;

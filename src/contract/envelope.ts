import { z } from 'zod';
import { evidenceSchema, previewErrorSchema } from './call.ts';
import { digestSchema, jsonObjectSchema, jsonSchema, timestampSchema } from './json.ts';
import { drillRequestSchema } from './drill.ts';
import { executeRequestSchema } from './execute.ts';
import { freezeIdSchema, freezeRequestSchema } from './freeze.ts';
import type { EnvelopeKind } from './constants.ts';
import { reviewIdSchema, ulidSchema } from './ids.ts';
import { channelSchema, decisionTypeSchema } from './review.ts';

export { ENVELOPE_KINDS, payloadTypeOf, type EnvelopeKind } from './constants.ts';

/** DSSE 1.0.2 envelope. `payload` and `sig` are standard base64. One signature is all we write; extra ones are ignored. */
export const dsseEnvelopeSchema = z.object({
  payload: z.string().max(700_000),
  payloadType: z.string().max(200),
  signatures: z
    .array(z.object({ keyid: z.string().max(200).optional(), sig: z.string().max(200) }))
    .min(1)
    .max(4),
});
export type DsseEnvelope = z.infer<typeof dsseEnvelopeSchema>;

/** Who decided or ordered it, and how they signed in. */
const reviewerSchema = z.object({ id: z.string(), method: z.enum(['token', 'session', 'oidc', 'link', 'slack']) });
const common = { deploymentId: z.string(), reviewId: reviewIdSchema };

export const proposalPayloadSchema = z.object({
  ...common,
  proposedAt: timestampSchema,
  proposer: z.string(),
  /** The call, already sealed where its tool says so, with everything else the proposer said. */
  request: executeRequestSchema,
  /**
   * The api hands the call to an execute worker without a workflow, under the policy and configuration with these digests.
   * Counts only where the propose key signed it, for a short time after `handedAt`.
   */
  direct: z.object({ policyDigest: digestSchema, configDigest: digestSchema, handedAt: timestampSchema }).optional(),
});
export type ProposalPayload = z.infer<typeof proposalPayloadSchema>;

export const evidencePayloadSchema = z.object({
  ...common,
  revision: z.int().min(1),
  /** RFC 8785 digest of `{ tool, arguments, target }`: what was previewed. */
  previewOf: digestSchema,
  evidence: evidenceSchema.nullable(),
  error: previewErrorSchema.nullable(),
  gatheredAt: timestampSchema,
});
export type EvidencePayload = z.infer<typeof evidencePayloadSchema>;

export const decisionPayloadSchema = z.object({
  ...common,
  decisionUlid: ulidSchema,
  revision: z.int().min(1),
  /** 1-based. */
  level: z.int().min(1),
  type: decisionTypeSchema,
  digest: digestSchema,
  editedArguments: jsonObjectSchema.optional(),
  response: jsonSchema.optional(),
  comment: z.string().max(4_000).optional(),
  reviewer: reviewerSchema,
  channel: channelSchema,
  decidedAt: timestampSchema,
});
export type DecisionPayload = z.infer<typeof decisionPayloadSchema>;

export const revisionPayloadSchema = z.object({
  ...common,
  /** Receipt id. */
  decisionUlid: ulidSchema,
  proposer: z.string(),
  /** Digest of the revision that changes were asked for. */
  digest: digestSchema,
  arguments: jsonObjectSchema,
  reason: z.string().max(4_000).optional(),
  submittedAt: timestampSchema,
});

export const withdrawalPayloadSchema = z.object({
  ...common,
  decisionUlid: ulidSchema,
  proposer: z.string(),
  digest: digestSchema,
  withdrawnAt: timestampSchema,
});

export const reconciliationPayloadSchema = z.object({
  ...common,
  decisionUlid: ulidSchema,
  /** Digest of the revision that was claimed. */
  digest: digestSchema,
  outcome: z.enum(['executed', 'failed']),
  note: z.string().max(4_000),
  reviewer: reviewerSchema,
  channel: channelSchema,
  reconciledAt: timestampSchema,
});

/** Says that at `at`, in the log of `size` entries, the review had `n` entries, the last one at index `last`. */
export const statementPayloadSchema = z.object({
  ...common,
  last: z.int().min(0),
  n: z.int().min(1),
  size: z.int().min(1),
  at: timestampSchema,
});
export type StatementPayload = z.infer<typeof statementPayloadSchema>;

/** A reviewer's request to test whether the people of a group answer. Strict: it has no room for a call or a question. */
export const drillPayloadSchema = z.strictObject({
  ...common,
  ...drillRequestSchema.shape,
  ttl: drillRequestSchema.shape.ttl.unwrap(),
  reviewer: reviewerSchema,
  startedAt: timestampSchema,
});
export type DrillPayload = z.infer<typeof drillPayloadSchema>;

const ordered = {
  deploymentId: z.string(),
  freezeId: freezeIdSchema,
  why: z.string(),
  reviewer: reviewerSchema,
  channel: channelSchema,
};

/** An operator stops tools. */
export const freezePayloadSchema = z.strictObject({
  ...ordered,
  tools: freezeRequestSchema.shape.tools,
  frozenAt: timestampSchema,
});

/** An operator ends a freeze. */
export const liftPayloadSchema = z.strictObject({
  ...ordered,
  /** SHA-256 of the freeze envelope's payload. */
  freezeDigest: digestSchema,
  liftedAt: timestampSchema,
});

/** One schema per kind; `EnvelopePayload<'decision'>` is its type. */
export const PAYLOAD_SCHEMAS = {
  proposal: proposalPayloadSchema,
  evidence: evidencePayloadSchema,
  decision: decisionPayloadSchema,
  revision: revisionPayloadSchema,
  withdrawal: withdrawalPayloadSchema,
  reconciliation: reconciliationPayloadSchema,
  statement: statementPayloadSchema,
  drill: drillPayloadSchema,
  freeze: freezePayloadSchema,
  lift: liftPayloadSchema,
} as const satisfies Record<EnvelopeKind, z.ZodType>;
export type EnvelopePayload<K extends EnvelopeKind> = z.infer<(typeof PAYLOAD_SCHEMAS)[K]>;

/**
 * Roles of keys: which role may sign which kind. `seal` decrypts sealed arguments, `mail` signs links in mails,
 * `callback` the answers that agents are sent.
 */
export const KEY_ROLES = ['propose', 'review', 'execute', 'seal', 'mail', 'callback'] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

export const SIGNING_ROLE = {
  proposal: 'propose',
  revision: 'propose',
  withdrawal: 'propose',
  decision: 'review',
  reconciliation: 'review',
  drill: 'review',
  freeze: 'review',
  lift: 'review',
  evidence: 'execute',
  statement: 'execute',
} as const satisfies Record<EnvelopeKind, KeyRole>;

/** A public key that this deployment trusts for one role (file `trust.json`). */
export const trustedKeySchema = z.strictObject({
  keyid: z.string(),
  role: z.enum(KEY_ROLES),
  /** JWK: Ed25519 (OKP) for signing roles, X25519 (OKP) for `seal`. */
  publicKey: z.record(z.string(), z.string()),
  createdAt: timestampSchema,
  /** Signs and seals no more, but what it signed before still counts. */
  retiredAt: timestampSchema.optional(),
});
export type TrustedKey = z.infer<typeof trustedKeySchema>;

export const trustFileSchema = z.strictObject({
  deploymentId: z.string(),
  keys: z.array(trustedKeySchema),
});
export type TrustFile = z.infer<typeof trustFileSchema>;

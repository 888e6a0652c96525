import { z } from 'zod';
import { jsonObjectSchema } from './json.ts';
import { principalIdSchema } from './ids.ts';
import { durationUpTo, headerNameSchema, LONGEST } from './policy.ts';

/** `env:NAME` or `file:PATH`; only the process that needs the value resolves it. */
export const referenceSchema = z
  .string()
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, 'a reference, env:NAME or file:PATH');

const sha256Schema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits (`holdpoint keys create` prints them)');

export const agentSchema = z.strictObject({
  // Proposers that nobody signed for are shown under these prefixes; no agent may pass for one, nor one for an agent.
  id: principalIdSchema.regex(/^(?!temporal:|workflow:)/, 'a name that does not begin with temporal: or workflow:'),
  keySha256: sha256Schema.optional(),
  /** PEM (SPKI) Ed25519 public key with which a service signs its own proposals. */
  publicKey: referenceSchema.optional(),
  owner: principalIdSchema.optional(),
  /** Tool patterns: exact names or a prefix followed by `*`. Default: everything the policy knows. */
  tools: z.array(z.string()).optional(),
  /** Pinned: overrides what the caller says. */
  context: jsonObjectSchema.optional(),
});
export type AgentConfig = z.infer<typeof agentSchema>;

export const reviewerSchema = z.strictObject({
  id: principalIdSchema,
  groups: z.array(principalIdSchema),
  email: z.email().optional(),
  tokenSha256: sha256Schema.optional(),
  /** OIDC `issuer#sub`. */
  subject: z.string().optional(),
  /**
   * Slack user id (`U012ABCDEF`); with its team (`T012ABCDEF/U012ABCDEF`), or its organization of Enterprise Grid
   * (`E012ABCDEF/W012ABCDEF`), where it is not the app's own.
   */
  slack: z
    .string()
    .regex(
      /^([ET][A-Z0-9]+\/)?[UW][A-Z0-9]+$/,
      'a Slack user id such as U012ABCDEF, T012ABCDEF/U012ABCDEF or E012ABCDEF/W012ABCDEF',
    )
    .optional(),
  /** How this person is told by e-mail; default: the mode of `notifications.email`. */
  notify: z.enum(['per-event', 'digest', 'off']).optional(),
  /** `auditor`: reads everything, decides nothing. */
  role: z.enum(['reviewer', 'auditor']).optional(),
});
export type ReviewerConfig = z.infer<typeof reviewerSchema>;

const httpConnectorSchema = z.strictObject({
  type: z.literal('http').optional(),
  baseUrl: z.url(),
  credential: referenceSchema.optional(),
  /** Default `Authorization`. */
  credentialHeader: headerNameSchema.optional(),
  /** Default `Bearer` with `Authorization`, none with another header. */
  credentialScheme: z.string().optional(),
  /** For this host and port alone. */
  allowPrivateAddresses: z.boolean().optional(),
  timeout: durationUpTo(LONGEST.call).optional(),
});
const postgresConnectorSchema = z.strictObject({
  type: z.literal('postgres').optional(),
  url: z.string(),
  /** Role of its own for `postgres.select`; default: `url`. */
  selectUrl: z.string().optional(),
  timeout: durationUpTo(LONGEST.call).optional(),
});
const mcpConnectorSchema = z.strictObject({
  type: z.literal('mcp'),
  command: z.array(z.string()).min(1).optional(),
  url: z.url().optional(),
  credential: referenceSchema.optional(),
  env: z.record(z.string(), z.string()).optional(),
  allowPrivateAddresses: z.boolean().optional(),
  timeout: durationUpTo(LONGEST.call).optional(),
  /** Descriptions of its tools may change without holding its calls; schemas and everything else may not. */
  acceptDescriptions: z.boolean().optional(),
});
export type HttpConnectorConfig = z.infer<typeof httpConnectorSchema>;
export type PostgresConnectorConfig = z.infer<typeof postgresConnectorSchema>;
export type McpConnectorConfig = z.infer<typeof mcpConnectorSchema>;
export const connectorSchema = z.union([mcpConnectorSchema, httpConnectorSchema, postgresConnectorSchema]);
export type ConnectorConfig = z.infer<typeof connectorSchema>;

export const logLevelSchema = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);
export type LogLevel = z.infer<typeof logLevelSchema>;

export const configFileSchema = z.strictObject({
  deploymentId: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name of lower-case letters, digits and - of at most 63 characters')
    .optional(),
  agents: z.array(agentSchema).optional(),
  reviewers: z.array(reviewerSchema).optional(),
  oidc: z
    .strictObject({
      issuer: z.url(),
      clientId: z.string(),
      clientSecret: referenceSchema.optional(),
      groupsClaim: z.string().optional(),
    })
    .optional(),
  policy: z.string(),
  callbacks: z.array(z.url()).optional(),
  unattested: z.enum(['hold', 'allow', 'refuse']).optional(),
  executeWithin: durationUpTo(LONGEST.execution).optional(),
  freeze: z.array(z.string()).optional(),
  /** Who may freeze tools and lift freezes while everything runs, and start drills: ids of reviewers, or groups. */
  operators: z.array(principalIdSchema).min(1).optional(),
  /** A freeze is lifted by another operator than the one who ordered it. */
  liftBySecondPerson: z.boolean().optional(),
  limits: z
    .strictObject({
      pendingPerAgent: z.int().min(1).optional(),
      irreversiblePerToolPerHour: z.int().min(1).optional(),
      sensitivePerToolPerHour: z.int().min(1).max(1_000_000).optional(),
      requestsPerMinute: z.int().min(1).optional(),
    })
    .optional(),
  connectors: z
    .record(
      z
        .string()
        .regex(/^[a-z][A-Za-z0-9_-]*$/, 'a name of letters, digits, _ and - that starts with a lower-case letter'),
      connectorSchema,
    )
    .optional(),
  notifications: z
    .strictObject({
      email: z
        .strictObject({ mode: z.enum(['per-event', 'digest', 'off']), from: z.string(), smtp: referenceSchema })
        .optional(),
      slack: z
        .strictObject({
          mode: z.enum(['per-event', 'digest', 'off']),
          /** Incoming webhook: posts, and can change nothing afterwards. Of no use beside a token. */
          webhook: referenceSchema.optional(),
          /** Of the Slack app; signs what its buttons send. */
          signingSecret: referenceSchema,
          /** Bot token (`xoxb-…`, scope `chat:write`): messages are changed when the review ends. Goes with `channel`. */
          token: referenceSchema.optional(),
          /** Id of the channel, e.g. `C012ABCDEF`. */
          channel: z
            .string()
            .regex(/^[CG][A-Z0-9]{2,20}$/, 'the id of a channel, such as C012ABCDEF')
            .optional(),
        })
        .optional(),
      webhooks: z
        .array(
          z.strictObject({
            url: z.url(),
            /** One secret or several (`whsec_…`, `whsk_…`), separated by spaces. */
            secret: referenceSchema,
            /** `review.*`, `execution.failed` … */
            events: z.array(z.string()),
            /** For a public name that leads to a private address. */
            allowPrivateAddresses: z.boolean().optional(),
          }),
        )
        .optional(),
      rateLimit: z.strictObject({ perReviewer: z.int().min(1), per: durationUpTo(LONGEST.rate) }).optional(),
    })
    .optional(),
  publicUrl: z.url().optional(),
  /** Of every part that reads this file, instead of `HOLDPOINT_LOG_LEVEL`; followed while they run. */
  log: z.strictObject({ level: logLevelSchema.optional() }).optional(),
});
export type ConfigFile = z.infer<typeof configFileSchema>;

import { z } from 'zod';
import { jsonObjectSchema, jsonSchema } from './json.ts';

/** Strictness order, weakest first. */
export const CLASSES = ['reversible', 'sensitive', 'irreversible', 'forbidden'] as const;
export const classSchema = z.enum(CLASSES);
export type CallClass = z.infer<typeof classSchema>;

/** What the class demands, weakest first. */
/** How urgent a proposer says its call is. Its own word: nobody checks it. */
export const urgencySchema = z.enum(['low', 'normal', 'high']);
export type Urgency = z.infer<typeof urgencySchema>;

export const GATES = ['none', 'soft', 'hard'] as const;
export const gateSchema = z.enum(GATES);
export type Gate = z.infer<typeof gateSchema>;

/** Full tool names are dotted: `github.repos.delete`. The service is what stands before the first dot. */
export const toolNameSchema = z
  .string()
  .max(200)
  .regex(
    /^[a-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+$/,
    'a dotted name that starts with a lower-case letter, such as payouts.create',
  )
  .meta({ examples: ['github.repos.delete'] });
export const serviceNameSchema = z
  .string()
  .max(100)
  .regex(/^[a-z][A-Za-z0-9_-]*$/, 'a name that starts with a lower-case letter, such as payouts')
  .meta({ examples: ['github'] });

export const callSchema = z.strictObject({
  service: serviceNameSchema,
  tool: toolNameSchema,
  arguments: jsonObjectSchema,
});
export type Call = z.infer<typeof callSchema>;

/**
 * The rendered request without credentials: what would go to the target, and part of the digest. The connector
 * names the shape inside; to everybody else it is JSON to show and to compare.
 */
export const targetSchema = z.strictObject({ connector: z.string(), request: jsonSchema });
export type Target = z.infer<typeof targetSchema>;

/** One fact that the execute worker gathered itself. Shown to reviewers in order, part of the digest. */
export const factSchema = z.strictObject({
  /** Stable name, e.g. `affected_rows`, `sample`, `stars`. */
  name: z.string().max(100),
  /** Words for a reviewer, e.g. `Rows that would be deleted`. */
  label: z.string().max(200),
  value: jsonSchema,
});
export type Fact = z.infer<typeof factSchema>;

/** Facts of one preview, with the hash that the execution must find again. At most 64 KiB as JSON. */
export const evidenceSchema = z.strictObject({
  facts: z.array(factSchema),
  /** `sha256:…` over what the facts were taken from (affected rows, pinned upstream facts); null: nothing pinned. */
  sourceHash: z.string().nullable(),
  gatheredAt: z.string(),
});
export type Evidence = z.infer<typeof evidenceSchema>;

/** Why there is no evidence. */
export const previewErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  /** JSON Pointer of the argument with which the target cannot make the call: it is blocked, and its agent may read why. */
  pointer: z.string().optional(),
});
export type PreviewError = z.infer<typeof previewErrorSchema>;

import { z } from 'zod';
import { auditEntrySchema, type AuditEntryType } from './audit.ts';
import { trustedKeySchema } from './envelope.ts';
import { reviewIdSchema } from './ids.ts';
import { commaListSchema, queryCountSchema, timestampSchema } from './json.ts';
import { LOG_SEARCH } from './constants.ts';

/** Every type of audit entry. */
export const AUDIT_TYPES: readonly AuditEntryType[] = auditEntrySchema.options.map((option) => option.shape.type.value);

/** Types of which a log holds few, however long it is: an index leads to them. */
export const RARE_AUDIT_TYPES = [
  'objected',
  'revised',
  'withdrawn',
  'expired',
  'aborted',
  'deferred',
  'unknown',
  'reconciled',
  'policy_changed',
  'restored',
  'frozen',
  'lifted',
] as const satisfies readonly AuditEntryType[];

/** Whether only types of {@link RARE_AUDIT_TYPES} are asked for. */
export function isRare(types: readonly string[] | undefined): boolean {
  return types?.every((type) => RARE_AUDIT_TYPES.some((rare) => rare === type)) === true;
}

function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length;
}

/** What an entry must be like. All that is given must fit. */
const filterShape = {
  reviewId: reviewIdSchema.optional(),
  /** Types, separated by commas. */
  type: commaListSchema(AUDIT_TYPES).optional(),
  /** Proposer, owner, reviewer or recipient: the exact name. */
  person: z.string().min(1).max(255).optional(),
  /** `since` ≤ time < `until`. */
  since: timestampSchema.optional(),
  until: timestampSchema.optional(),
  q: z
    .string()
    .max(LOG_SEARCH.length)
    .refine((text) => countWords(text) >= 1 && countWords(text) <= LOG_SEARCH.words, `one to ${LOG_SEARCH.words} words`)
    .meta({
      pattern: String.raw`^\s*\S+(\s+\S+){0,${LOG_SEARCH.words - 1}}\s*$`,
      description:
        'Words, all of which must occur in what the entry holds or says: its type, review, tool, people, codes and digests, and the words that the page has for them. Upper and lower case are the same; a part of a word is enough.',
    })
    .optional(),
};
export type AuditFilter = {
  readonly [K in keyof typeof filterShape]?: z.infer<(typeof filterShape)[K]> | undefined;
};

/** Query of `GET /v1/audit/entries`. */
export const entriesQuerySchema = z.strictObject({
  ...filterShape,
  /** Index to begin at. Default: the beginning, or with `order=desc` the end. */
  from: queryCountSchema(0, Number.MAX_SAFE_INTEGER).optional(),
  limit: queryCountSchema(1, 1_000).optional(),
  order: z.enum(['asc', 'desc']).optional(),
});
export type EntriesQuery = z.infer<typeof entriesQuerySchema>;

/** Query of `GET /v1/audit/export`. */
export const exportQuerySchema = z.strictObject({ ...filterShape, format: z.enum(['jsonl', 'csv']) });

/** Most proofs of one request. */
const MOST_PROOFS = 100;

export const inclusionQuerySchema = z.strictObject({
  /** Size of the tree, as a checkpoint has it. */
  size: queryCountSchema(1, Number.MAX_SAFE_INTEGER),
  index: z.string().regex(/^[0-9]{1,15}(,[0-9]{1,15}){0,99}$/, `up to ${MOST_PROOFS} indices, separated by commas`),
});
export const inclusionResponseSchema = z.object({
  size: z.int(),
  /** RFC 6962 audit paths, leaf to root: base64 SHA-256 hashes. In the order asked for. */
  proofs: z.array(z.object({ index: z.int(), inclusion: z.array(z.string()) })),
});
export type InclusionResponse = z.infer<typeof inclusionResponseSchema>;

export const consistencyQuerySchema = z.strictObject({
  from: queryCountSchema(0, Number.MAX_SAFE_INTEGER),
  to: queryCountSchema(0, Number.MAX_SAFE_INTEGER),
});
export const consistencyResponseSchema = z.object({
  from: z.int(),
  to: z.int(),
  /** RFC 6962: base64 SHA-256 hashes. */
  proof: z.array(z.string()),
});
export type ConsistencyResponse = z.infer<typeof consistencyResponseSchema>;

export const auditKeysSchema = z.object({ deploymentId: z.string(), keys: z.array(trustedKeySchema) });
export type AuditKeys = z.infer<typeof auditKeysSchema>;

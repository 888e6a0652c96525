import { z } from 'zod';
import { jsonObjectSchema, type Json, type JsonObject } from './json.ts';
import { approvalSchema, durationUpTo, LONGEST } from './policy.ts';

/**
 * A question that a Temporal workflow asks in-flow: the only argument of `approvalGate`, whoever starts it and in
 * whatever language.
 */
export const approvalRequestSchema = z.strictObject({
  /** What is asked, in one line. */
  title: z.string().min(1).max(300),
  /** What a yes is a yes to; a reviewer may edit it where `allow` says so. */
  proposal: jsonObjectSchema,
  /** Groups, one of whose members must say yes. Or give `levels`, not both. */
  approvers: z.array(z.string().min(1)).min(1).max(20).optional(),
  levels: approvalSchema.shape.levels.optional(),
  separationOfDuties: z.boolean().optional(),
  /** Default 24h; then the answer is no. */
  ttl: durationUpTo(LONGEST.wait).optional(),
  allow: z
    .array(z.enum(['approve', 'edit', 'reject', 'respond']))
    .min(1)
    .optional(),
  remind: approvalSchema.shape.remind,
  escalate: approvalSchema.shape.escalate,
  reason: z.string().max(4_000).optional(),
  context: jsonObjectSchema.optional(),
  threadId: z.string().min(1).max(255).optional(),
  group: z.string().min(1).max(255).optional(),
});
export type ApprovalRequest = z.infer<typeof approvalRequestSchema>;

/** Service and tool under which in-flow questions appear in lists. */
export const IN_FLOW = { service: 'in-flow', tool: 'in-flow.approval' } as const;

/** What comes back from `approvalGate`, as JSON; narrow it by `type`. */
export type ApprovalDecision<P extends object = JsonObject> = { readonly reviewId: string } & (
  | { readonly type: 'approve' | 'edit'; readonly proposal: P; readonly by: string; readonly comment: string | null }
  | { readonly type: 'respond'; readonly response: Json; readonly by: string; readonly comment: string | null }
  | { readonly type: 'reject'; readonly by: string; readonly comment: string | null }
  | { readonly type: 'expired' }
  | { readonly type: 'withdrawn' }
  | { readonly type: 'aborted' }
  /** It could not be asked. `errors` name the field (JSON Pointer into the question) and the form it must have. */
  | {
      readonly type: 'blocked';
      readonly reasonCodes: readonly string[];
      readonly errors: readonly { readonly pointer: string; readonly message: string }[];
    }
);

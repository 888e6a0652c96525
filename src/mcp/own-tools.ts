import type { CallToolRequest, CallToolResult, Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { reviewIdSchema } from '../contract/ids.ts';
import { jsonObjectSchema } from '../contract/json.ts';
import { holdReview, reviewResult, type Extra } from './call.ts';
import { queuedResult } from './result.ts';
import { parseParams, type McpRequest } from './request.ts';
import { revise, withdraw } from '../api/service/propose-side.ts';

const reviewId = { type: 'string', description: 'the reviewId of the pending call' } as const;

interface OwnTool {
  readonly definition: Tool;
  run(request: McpRequest, args: unknown, extra: Extra): Promise<CallToolResult>;
}

// In strict mode a model writes null for what it leaves out.
const awaitSchema = z.strictObject({ reviewId: reviewIdSchema, waitSeconds: z.int().min(0).max(50).nullish() });
const withdrawSchema = z.strictObject({ reviewId: reviewIdSchema });
const reviseSchema = z.strictObject({
  reviewId: reviewIdSchema,
  arguments: jsonObjectSchema,
  reason: z.string().max(4_000).nullish(),
});

/**
 * The gateway's own tools. None of them decides anything: deciding takes a reviewer's credential. Their schemas use the few
 * keywords that every model's API takes (no patterns, bounds or `additionalProperties`); what comes is checked by zod.
 */
const OWN_TOOLS: readonly OwnTool[] = [
  {
    definition: {
      name: 'holdpoint_await',
      title: 'Wait for a decision',
      description:
        'Waits up to 50 seconds for the outcome of a pending call: its result, a rejection with the reviewer’s comment, or that it is still pending.',
      inputSchema: {
        type: 'object',
        required: ['reviewId'],
        properties: { reviewId, waitSeconds: { type: 'integer', description: '0 to 50, default 50' } },
      },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    run(request, args, extra) {
      const { reviewId: id, waitSeconds } = parseParams(awaitSchema, args);
      return holdReview(request, id, (waitSeconds ?? 50) * 1_000, extra);
    },
  },
  {
    definition: {
      name: 'holdpoint_withdraw',
      title: 'Withdraw a pending call',
      description: 'Withdraws one of your pending calls. It will not run.',
      inputSchema: { type: 'object', required: ['reviewId'], properties: { reviewId } },
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    async run(request, args, extra) {
      const { reviewId: id } = parseParams(withdrawSchema, args);
      const settled = await withdraw(request.context, request.principal, id, request.caller);
      return settled.httpStatus === 202 ? queuedResult(settled.queued) : holdReview(request, id, 0, extra);
    },
  },
  {
    definition: {
      name: 'holdpoint_revise',
      title: 'Send other arguments',
      description:
        'Answers a reviewer who asked for changes (status changes_requested) with other arguments of the same tool.',
      inputSchema: {
        type: 'object',
        required: ['reviewId', 'arguments'],
        properties: {
          reviewId,
          arguments: { type: 'object', description: 'all arguments of the tool, not only the changed ones' },
          reason: { type: 'string', description: 'why, at most 4,000 characters' },
        },
      },
      // What it proposes may be made once people have approved it.
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    },
    async run(request, args) {
      const { reviewId: id, reason, ...revised } = parseParams(reviseSchema, args);
      const revision = reason === null || reason === undefined ? revised : { ...revised, reason };
      const { context, principal, caller } = request;
      const settled = await revise(context, principal, id, revision, caller);
      return settled.httpStatus === 202 ? queuedResult(settled.queued) : reviewResult(request, settled.review);
    },
  },
];

export const OWN_DEFINITIONS: readonly Tool[] = OWN_TOOLS.map(({ definition }) => definition);

/** Runs one of the gateway's own tools; undefined: the name is none of them. */
export function runOwnTool(
  request: McpRequest,
  params: CallToolRequest['params'],
  extra: Extra,
): Promise<CallToolResult> | undefined {
  const own = OWN_TOOLS.find(({ definition }) => definition.name === params.name);
  return own?.run(request, params.arguments ?? {}, extra);
}

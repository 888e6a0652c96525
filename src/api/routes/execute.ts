import {
  executeBatchRequestSchema,
  executeBatchResponseSchema,
  executeRequestSchema,
  executeResponseSchema,
  idempotencyKeySchema,
} from '../../contract/execute.ts';
import type { Request } from 'express';
import { endpoint, ok, type Endpoint } from '../http/endpoint.ts';
import type { ApiMetrics } from '../http/metrics.ts';
import { invalidHeader } from '../http/body.ts';
import { execute, executeBatch } from '../service/execute.ts';
import type { ServiceContext } from '../service/context.ts';

const IDEMPOTENCY_HEADER = {
  'Idempotency-Key': {
    description:
      'Up to 255 characters, per agent. Same key and body: the current state of the same review. Another body: 422.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
} as const;

export function executeEndpoints(context: ServiceContext, metrics: ApiMetrics): Endpoint[] {
  return [
    endpoint({
      method: 'post',
      path: '/v1/execute',
      tag: 'Proposing',
      summary: 'Propose one call',
      description:
        'Policy classifies the call. Without a hard gate the answer is held up to 30 s for the result; under a hard gate for `waitSeconds`.',
      who: 'agent',
      role: 'propose',
      headers: IDEMPOTENCY_HEADER,
      body: executeRequestSchema,
      answers: {
        200: { description: 'EXECUTED', schema: executeResponseSchema },
        202: {
          description: 'ESCALATE: the call waits, is still running, or is not classified yet',
          schema: executeResponseSchema,
        },
        403: { description: 'BLOCKED, or a problem', schema: executeResponseSchema },
        502: { description: 'ERROR: allowed, but failed or of unknown outcome', schema: executeResponseSchema },
      },
      problems: [
        'sealed_not_allowed',
        'callback_not_allowed',
        'idempotency_mismatch',
        'too_many_pending',
        'temporal_unavailable',
        'worker_unavailable',
        'database_unavailable',
      ],
      async handle({ principal, body, caller, req }) {
        const answer = await execute(context, principal, body, { ...caller, idempotencyKey: idempotencyKeyOf(req) });
        metrics.executes.inc({ outcome: answer.body.outcome });
        const headers: Record<string, string> = answer.replayed ? { 'Idempotent-Replayed': 'true' } : {};
        return { status: answer.httpStatus, json: answer.body, headers };
      },
    }),
    endpoint({
      method: 'post',
      path: '/v1/execute/batch',
      tag: 'Proposing',
      summary: 'Propose several calls under one group',
      description:
        'Each call is independent. Results are in the order of the calls, each with the fields and the `httpStatus` of a single execute, or with the `code` of a problem.',
      who: 'agent',
      role: 'propose',
      headers: IDEMPOTENCY_HEADER,
      body: executeBatchRequestSchema,
      cost: (body) => body.calls.length,
      answers: { 200: { description: 'One result per call', schema: executeBatchResponseSchema } },
      problems: ['idempotency_mismatch', 'database_unavailable'],
      async handle({ principal, body, caller, req }) {
        const answer = await executeBatch(context, principal, body, {
          ...caller,
          idempotencyKey: idempotencyKeyOf(req),
        });
        for (const { outcome } of answer.results) {
          if (typeof outcome === 'string') metrics.executes.inc({ outcome });
        }
        return ok(answer);
      },
    }),
  ];
}

function idempotencyKeyOf(req: Request): string | undefined {
  const key = req.get('idempotency-key');
  if (key === undefined) return undefined;
  if (!idempotencyKeySchema.safeParse(key).success) {
    throw invalidHeader('Idempotency-Key', 'must have 1 to 255 characters');
  }
  return key;
}

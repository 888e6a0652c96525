import type { z } from 'zod';
import { auditPageSchema, checkpointResponseSchema, entriesQuerySchema } from '../../contract/api.ts';
import { endpoint, type Endpoint } from '../http/endpoint.ts';
import type { GateService } from '../service/types.ts';

const DEFAULT_LIMIT = 200;

export function auditEndpoints(service: GateService): Endpoint[] {
  return [
    endpoint<'reviewer', undefined, z.infer<typeof entriesQuerySchema>>({
      method: 'get',
      path: '/v1/audit/entries',
      tag: 'Audit',
      summary: 'Entries of the audit log in order',
      description: 'A leaf of the log is the RFC 8785 form of one entry.',
      who: 'reviewer',
      query: entriesQuerySchema,
      answers: { 200: { description: 'One page', schema: auditPageSchema } },
      problems: ['database_unavailable'],
      handle: async ({ query }) => ({
        status: 200,
        json: await service.auditEntries(query.from ?? 0, query.limit ?? DEFAULT_LIMIT),
      }),
    }),
    endpoint<'reviewer'>({
      method: 'get',
      path: '/v1/audit/checkpoint',
      tag: 'Audit',
      summary: 'Latest signed checkpoint',
      description: 'A C2SP signed note holding a tlog-checkpoint. Keep it: it shows later tampering.',
      who: 'reviewer',
      answers: { 200: { description: 'The checkpoint', schema: checkpointResponseSchema } },
      problems: ['worker_unavailable', 'database_unavailable'],
      handle: async () => ({ status: 200, json: await service.auditCheckpoint() }),
    }),
  ];
}

import { z } from 'zod';
import { deliveryPageSchema, deliveryQuerySchema } from '../../contract/delivery.ts';
import { keysInForce, type ServiceDeps } from '../service/context.ts';
import { endpoint, ok, type Endpoint } from '../http/endpoint.ts';
import { INVALID_CURSOR } from '../service/read.ts';
import { ProblemError } from '../problem.ts';

const callbackKeysSchema = z.object({
  keys: z.array(z.object({ keyid: z.string(), publicKey: z.string(), createdAt: z.string() })),
});

/** What was told, and what agents verify it with. */
export function deliveryEndpoints({ store, trustedKeys }: Pick<ServiceDeps, 'store' | 'trustedKeys'>): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/v1/deliveries',
      tag: 'Notifications',
      summary: 'Notifications and their delivery, newest first',
      description:
        'One row per notice and destination (`webhook:<url>`, `email:<reviewer>`, `slack`, `callback:<review>`), ' +
        'with its state. `sequence` is the index of the audit entry that it reports. Kept for 30 days.',
      who: 'reviewer',
      query: deliveryQuerySchema,
      answers: { 200: { description: 'One page', schema: deliveryPageSchema } },
      problems: ['database_unavailable'],
      handle: async ({ query }) => {
        const page = await store.deliveries.list(query);
        if (page === undefined) throw new ProblemError('invalid_request', { errors: [INVALID_CURSOR] });
        return ok(page);
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/callback-keys',
      tag: 'Notifications',
      summary: 'Public keys that callbacks are signed with',
      description:
        'Standard Webhooks keys (`whpk_…`, Ed25519) in force. More than one while a key is replaced: any of them may verify.',
      who: 'principal',
      answers: { 200: { description: 'The keys', schema: callbackKeysSchema } },
      problems: [],
      handle: () => ({
        status: 200,
        json: {
          keys: keysInForce(trustedKeys(), 'callback').map(({ keyid, publicKey, createdAt }) => ({
            keyid,
            publicKey: whpkOf(publicKey['x']),
            createdAt,
          })),
        },
      }),
    }),
  ];
}

/** Standard Webhooks writes keys in base64, JWK in base64url. */
function whpkOf(x = ''): string {
  return `whpk_${Buffer.from(x, 'base64url').toString('base64')}`;
}

import { z } from 'zod';
import { digestSchema } from './json.ts';

/** Answer of `GET /v1/mcp/upstreams`. */
export const upstreamListSchema = z.object({
  tools: z.array(
    z.object({
      /** `mcp.<server>.<tool>`, the key of `accept` in the policy file. */
      key: z.string(),
      server: z.string(),
      tool: z.string(),
      state: z.enum(['accepted', 'changed', 'gone']),
      /** As it is now; null: no longer listed. */
      digest: digestSchema.nullable(),
      /** As it was when it was first seen. */
      first: digestSchema,
      /** Text of the upstream, made visible. */
      description: z.string().nullable(),
      inputSchema: z.record(z.string(), z.unknown()).nullable(),
    }),
  ),
});
export type UpstreamList = z.infer<typeof upstreamListSchema>;

import { z } from 'zod';

/** `<data dir>/access.json`, which the demo writes: its agents and reviewers with their secrets. Real configs hold hashes. */
export const accessSchema = z.object({
  url: z.url(),
  temporalAddress: z.string(),
  temporalUi: z.string().nullable().default(null),
  agents: z.array(z.object({ id: z.string(), key: z.string() })),
  reviewers: z.array(
    z.object({
      id: z.string(),
      groups: z.array(z.string()),
      token: z.string(),
      /** Works once, for ten minutes. */
      signInUrl: z.string().default(''),
    }),
  ),
});
export type Access = z.infer<typeof accessSchema>;

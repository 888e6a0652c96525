import { z } from 'zod';
import { digestSchema, timestampSchema } from './json.ts';

/** The policy file that decides now. It holds no secrets: credentials are in the configuration, as references. */
export const policyInForceSchema = z.object({
  /** Name of the file, without its folder. */
  name: z.string(),
  text: z.string(),
  /** Of the whole policy, included catalogs and all; every record of a decision has it. */
  digest: digestSchema,
  /** When it was read and came into force in this process. */
  loadedAt: timestampSchema,
  /** What in the files in force is probably not meant. */
  warnings: z.array(
    z.object({
      file: z.string(),
      line: z.int(),
      column: z.int(),
      message: z.string(),
      fix: z.string(),
    }),
  ),
  /** Why the files on disk are not the ones in force; null: they are. */
  problem: z.string().nullable(),
});
export type PolicyInForce = z.infer<typeof policyInForceSchema>;

import { z } from 'zod';
import { dsseEnvelopeSchema } from '../../contract/envelope.ts';
import { reviewIdSchema } from '../../contract/ids.ts';
import { materialSchema } from '../../contract/review.ts';
import { digestMaterial } from '../../domain/proof/digest.ts';
import type { ExecuteCallInput } from '../api.ts';
import { refuseCall } from './refusal.ts';

/** Ten levels of twenty voices each, and an edit. */
const MAX_DECISIONS = 201;

const inputSchema = z.object({
  reviewId: reviewIdSchema,
  material: materialSchema,
  previous: materialSchema.nullable(),
  proposal: dsseEnvelopeSchema.nullable(),
  decisions: z.array(dsseEnvelopeSchema).max(MAX_DECISIONS),
});

/**
 * The activity's input in the shape that a workflow of ours gives it. Anybody who reaches Temporal can schedule the
 * activity with anything: what has another shape, runs out of stack or has no digest is refused before it is looked at.
 */
export function readInput(given: ExecuteCallInput): ExecuteCallInput {
  try {
    const input = inputSchema.parse(given);
    digestMaterial(input.material);
    if (input.previous !== null) digestMaterial(input.previous);
    return input;
  } catch {
    throw refuseCall('not_authorized');
  }
}

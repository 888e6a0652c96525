import type { Json, JsonObject } from '../../contract/json.ts';
import type { ReviewId } from '../../contract/ids.ts';
import { canonicalJson } from '../../domain/proof/digest.ts';
import { findUnsealed, holdsSealed, isSealed, replaceAt, valueAt } from '../../domain/seal-binding.ts';
import { ProblemError } from '../problem.ts';
import type { ServiceContext } from './context.ts';

/** Callers write values in the clear; what looks sealed is refused, wherever it stands. */
export function refuseSealed(...values: readonly (Json | undefined)[]): void {
  if (values.some((value) => value !== undefined && holdsSealed(value))) throw new ProblemError('sealed_not_allowed');
}

/**
 * For an edit or a revision: a sealed value may be sent back as it was shown, at its own place in the same review;
 * every other is refused. Returns how many were sent back.
 */
export function refuseForeignSealed(args: JsonObject, current: JsonObject | null, pointers: readonly string[]): number {
  let rest: JsonObject = args;
  let kept = 0;
  for (const pointer of pointers) {
    const value = valueAt(args, pointer);
    const shown = current === null ? undefined : valueAt(current, pointer);
    if (value === undefined || !isSealed(value)) continue;
    if (shown === undefined || canonicalJson(shown) !== canonicalJson(value)) {
      throw new ProblemError('sealed_not_allowed');
    }
    rest = replaceAt(rest, pointer, null);
    kept += 1;
  }
  refuseSealed(rest);
  return kept;
}

/** Encrypts what is still in the clear at the tool's `seal` pointers. */
export async function sealCall(
  context: ServiceContext,
  reviewId: ReviewId,
  tool: string,
  args: JsonObject,
): Promise<JsonObject> {
  const { policy, deploymentId } = context.settings.current();
  const pointers = findUnsealed(args, policy.findTool(tool)?.definition.seal ?? []);
  return pointers.length === 0 ? args : context.seal(args, { deploymentId, reviewId, tool, pointers });
}

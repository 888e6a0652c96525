import type { Json, JsonObject } from '../../contract/json.ts';
import type { ReviewId } from '../../contract/ids.ts';
import { isSealed, valueAt } from '../../core/assess.ts';
import { canonicalJson } from '../../core/digest.ts';
import { ProblemError } from '../problem.ts';
import type { ServiceContext } from './context.ts';

/** Callers write values in the clear; what looks sealed is refused, wherever it stands. */
export function refuseSealed(...values: readonly (Json | undefined)[]): void {
  if (values.some((value) => value !== undefined && containsSealed(value)))
    throw new ProblemError('sealed_not_allowed');
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
    if (shown === undefined || canonicalJson(shown) !== canonicalJson(value))
      throw new ProblemError('sealed_not_allowed');
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
  const pointers = context.settings.current().policy.findTool(tool)?.definition.seal ?? [];
  const open = pointers.filter((pointer) => {
    const value = valueAt(args, pointer);
    return value !== undefined && !isSealed(value);
  });
  return open.length === 0 ? args : context.seal(args, { reviewId, tool, pointers: open });
}

/** The arguments with a stand-in at every `seal` pointer, to ask policy what it would say of them once sealed. */
export function replaceSealable(args: JsonObject, pointers: readonly string[]): JsonObject {
  return pointers.reduce(
    (rest, pointer) => (valueAt(rest, pointer) === undefined ? rest : replaceAt(rest, pointer, { $sealed: '' })),
    args,
  );
}

function containsSealed(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return isSealed(value) || Object.values(value).some((item) => containsSealed(item as Json));
}

/** A copy with another value at a pointer that exists. */
function replaceAt(value: JsonObject, pointer: string, replacement: Json): JsonObject {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const replace = (node: Json, rest: readonly string[]): Json => {
    const [key, ...more] = rest;
    if (key === undefined) return replacement;
    if (typeof node !== 'object' || node === null) return node;
    const child = replace((node as JsonObject)[key] ?? null, more);
    return Array.isArray(node) ? node.with(Number(key), child) : { ...node, [key]: child };
  };
  return replace(value, keys) as JsonObject;
}

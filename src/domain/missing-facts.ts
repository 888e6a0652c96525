import type { Fact } from '../contract/call.ts';
import type { Review } from '../contract/review.ts';
import { isJsonObject } from './json/pointer.ts';
import { isOmission } from './json/fit.ts';

interface Declared {
  readonly name: string;
  readonly label: string;
  readonly pinned?: boolean | undefined;
}

/** A fact that could not be read: why stands in the place of its value, and whether it would have been pinned. */
export function missingFact(
  { name, label, pinned }: Declared,
  why: { readonly code: string; readonly message: string },
  size: { readonly bytes?: number; readonly atLeastBytes?: number },
): Fact {
  const value = { $omitted: why.code, message: why.message, ...size, ...(pinned === true ? { pinned } : {}) };
  return { name, label, value };
}

export function isMissing({ value }: Fact): boolean {
  return isOmission(value) && isJsonObject(value) && typeof value['message'] === 'string';
}

/** Previews that pin nothing, whatever comes of them. */
const WITHOUT_PINS = new Set(['nothing_to_preview', 'not_a_modification']);

/**
 * What the call would not be held to, because it could not be read: labels of facts, or null where there is no evidence at
 * all. Undefined: everything that is pinned was read.
 */
export function findUnreadPins({
  evidence,
  previewError,
}: Pick<Review, 'evidence' | 'previewError'>): readonly string[] | null | undefined {
  if (previewError !== null) return WITHOUT_PINS.has(previewError.code) ? undefined : null;
  const labels = evidence.flatMap(({ facts }) =>
    facts.filter((fact) => isMissing(fact) && isJsonObject(fact.value) && fact.value['pinned'] === true),
  );
  return labels.length === 0 ? undefined : labels.map(({ label }) => label);
}

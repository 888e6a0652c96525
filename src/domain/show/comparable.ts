import type { Json } from '../../contract/json.ts';
import type { Material } from '../../contract/review.ts';

/** What of a version people compare; the rest follows from it or never changes. */
type Compared = Pick<
  Material,
  'class' | 'arguments' | 'target' | 'evidence' | 'context' | 'levels' | 'separationOfDuties' | 'expiresAt'
>;

/**
 * A version as it is compared with another. The request is written from the arguments: where these differ, it would say
 * the same twice.
 */
export function comparable(version: Compared, isSameCall: boolean): Readonly<Record<string, Json>> {
  const { arguments: args, target, evidence, class: callClass, levels, expiresAt, context } = version;
  return {
    class: callClass,
    arguments: args,
    ...(isSameCall ? { target: target?.request ?? null } : {}),
    facts: evidence?.facts ?? [],
    context,
    levels,
    separationOfDuties: version.separationOfDuties,
    expiresAt,
  };
}

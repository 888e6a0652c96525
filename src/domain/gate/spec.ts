import type { DecisionType, Material } from '../../contract/review.ts';
import type { RevisionSpec } from './state.ts';

/**
 * What the gate machine needs of a version of the call. A held version always has a deadline. `editor`: the reviewer
 * whose edit led to it.
 */
export function specOf(
  material: Material,
  digest: string,
  allowed: readonly DecisionType[],
  editor?: string,
): RevisionSpec {
  return {
    revision: material.revision,
    digest,
    levels: material.levels,
    separationOfDuties: material.separationOfDuties,
    proposer: material.proposer,
    owner: material.owner,
    ...(editor === undefined ? {} : { editor }),
    expiresAt: material.expiresAt === null ? 0 : Date.parse(material.expiresAt),
    allowed,
  };
}

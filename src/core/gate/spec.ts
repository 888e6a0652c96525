import type { DecisionType, Material } from '../../contract/review.ts';
import type { RevisionSpec } from './state.ts';

/** What the gate machine needs of a version of the call. A held version always has a deadline. */
export function specOf(material: Material, digest: string, allowed: readonly DecisionType[]): RevisionSpec {
  return {
    revision: material.revision,
    digest,
    levels: material.levels,
    separationOfDuties: material.separationOfDuties,
    proposer: material.proposer,
    owner: material.owner,
    expiresAt: material.expiresAt === null ? 0 : Date.parse(material.expiresAt),
    allowed,
  };
}

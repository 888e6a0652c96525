import { levelSchema, type Material, type Review } from '../../contract/review.ts';
import type { Digest } from '../../contract/json.ts';
import { digestMaterial } from '../proof/digest.ts';

/**
 * The digest of what a state shows, taken from the state itself: what is signed is what was shown, even where the
 * stored row was changed behind our back. Null where there is nothing to decide on (blocked, evidence still being
 * gathered, arguments erased by retention).
 */
export function digestOfShown(review: Review): Digest | null {
  const material = materialOf(review);
  return material === undefined || review.call.digest === null ? null : digestMaterial(material);
}

/** The state with the digest of what it shows; where arguments were erased, the digest as recorded. */
export function withShownDigest(review: Review): Review {
  const digest = digestOfShown(review);
  if (digest === null || digest === review.call.digest) return review;
  return { ...review, call: { ...review.call, digest } };
}

function materialOf(review: Review): Material | undefined {
  if (review.call.arguments === null || review.class === null || review.policyDigest === null) return undefined;
  return {
    schemaVersion: 1,
    deploymentId: review.deploymentId,
    reviewId: review.reviewId,
    revision: review.revision,
    kind: review.kind,
    proposer: review.proposer.id,
    owner: review.proposer.owner,
    service: review.call.service,
    tool: review.call.tool,
    arguments: review.call.arguments,
    target: review.target,
    evidence: review.evidence[0] ?? null,
    context: review.context,
    class: review.class,
    levels: review.levels.map((level) => levelSchema.strip().parse(level)),
    separationOfDuties: review.separationOfDuties,
    expiresAt: review.expiresAt,
    policyDigest: review.policyDigest,
  };
}

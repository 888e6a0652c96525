import type { EnvelopeKind } from '../contract/envelope.ts';
import type { EnvelopeVerifier, VerifiedEnvelope } from '../ports/connector.ts';

/** Kinds that speak of one review; a freeze and its lift speak of tools. */
export type ReviewEnvelope = Exclude<EnvelopeKind, 'freeze' | 'lift'>;

/** An envelope of another review or another deployment verifies too; it says nothing about this one, and is undefined here. */
export function verifyOwn<K extends ReviewEnvelope>(
  verifier: EnvelopeVerifier,
  kind: K,
  envelope: unknown,
  of: { readonly reviewId: string; readonly deploymentId: string },
): VerifiedEnvelope<K> | undefined {
  const verified = verifier.verify(kind, envelope);
  const { reviewId, deploymentId } = (verified?.payload ?? {}) as Partial<typeof of>;
  return reviewId === of.reviewId && deploymentId === of.deploymentId ? verified : undefined;
}

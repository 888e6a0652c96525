import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Digest } from '../../contract/json.ts';
import type { Material } from '../../contract/review.ts';

/** RFC 8785 (JCS) form of a JSON value, as text. Throws a TypeError on what is not JSON. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('not a JSON value');
  return text;
}

/** `sha256:<hex>` over bytes (text counts as UTF-8). */
export function digestBytes(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** `sha256:<hex>` over the RFC 8785 form of a JSON value. */
export function digestOf(value: unknown): Digest {
  return digestBytes(canonicalJson(value));
}

/**
 * The digest that a decision binds to. The keys are named one by one, so that a field added to the material by
 * accident can neither change nor escape the digest unnoticed.
 */
export function digestMaterial(material: Material): Digest {
  return digestOf({
    schemaVersion: material.schemaVersion,
    deploymentId: material.deploymentId,
    reviewId: material.reviewId,
    revision: material.revision,
    kind: material.kind,
    proposer: material.proposer,
    owner: material.owner,
    service: material.service,
    tool: material.tool,
    arguments: material.arguments,
    target: material.target,
    evidence: material.evidence,
    context: material.context,
    class: material.class,
    levels: material.levels,
    separationOfDuties: material.separationOfDuties,
    expiresAt: material.expiresAt,
    policyDigest: material.policyDigest,
  } satisfies Record<keyof Material, unknown>);
}

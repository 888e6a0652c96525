import { createHash } from 'node:crypto';
import type { Digest } from '../../contract/json.ts';
import type { Material } from '../../contract/review.ts';

/**
 * RFC 8785 (JCS) form of a JSON value, as text; members that are undefined are left out. Throws a TypeError on what is not
 * JSON. Our own: the package `canonicalize` takes three times as long, and every call passes here several times.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw new TypeError('half a character has no canonical form');
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${value} is not JSON`);
      // ECMAScript writes numbers as RFC 8785 wants them, `-0` included.
      return String(value);
    case 'boolean':
      return String(value);
    case 'object':
      break;
    default:
      throw new TypeError(`${typeof value} is not JSON`);
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if ('toJSON' in value && typeof value.toJSON === 'function') return canonicalJson(value.toJSON());
  let members = '';
  // Sorted by UTF-16 code units, as RFC 8785 wants it.
  for (const key of Object.keys(value).toSorted()) {
    const member: unknown = value[key as keyof typeof value];
    if (member === undefined) continue;
    members += `${members === '' ? '' : ','}${canonicalJson(key)}:${canonicalJson(member)}`;
  }
  return `{${members}}`;
}

export function sameJson(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
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

/** Of the bytes that an envelope signs: how the log and the ledger name it. */
export function envelopeDigestOf({ payload }: { readonly payload: string }): Digest {
  return digestBytes(Buffer.from(payload, 'base64'));
}

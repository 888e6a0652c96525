import { proofFileSchema, type ProofFile } from '../../contract/audit.ts';
import type { TrustedKey } from '../../contract/envelope.ts';
import type { Material } from '../../contract/review.ts';
import { canonicalJson, digestMaterial } from './digest.ts';
import { checkpointKeysOf, originOf, verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { hashEntry } from './leaf.ts';
import { matchEntries, openEnvelopes } from './proof-envelopes.ts';
import { checkCompleteness, type Completeness } from './proof-completeness.ts';
import type { ProofFinding } from './proof-findings.ts';
import { checkOrder } from './proof-order.ts';
import { checkStart, type Materials } from './proof-votes.ts';
import { hashFromBase64 } from './tree.ts';
import { verifyInclusion } from './verify.ts';

export interface ProofVerdict {
  /** True where nothing was found. */
  readonly ok: boolean;
  readonly findings: readonly ProofFinding[];
  /** The checkpoint that the proof stands on; null where no trusted key signed it. */
  readonly checkpoint: Checkpoint | null;
  /** Up to where the proof is whole, by the execute worker's statement; null where that is unknown. */
  readonly completeness: Completeness | null;
  /** The file, where it has the shape of one. */
  readonly file: ProofFile | null;
}

/**
 * Verifies the portable proof of one review, offline. Everything in the file is hostile; only `trusted` is believed,
 * so the caller must not take the keys from the file. It cannot tell that the checkpoint is the newest, nor that the
 * log was never forked: that takes the whole log and a checkpoint from somewhere else (`holdpoint audit verify`).
 *
 * @param options.notBefore epoch ms; the statement of completeness must not be older
 */
export function verifyProof(
  file: unknown,
  trusted: readonly TrustedKey[],
  { notBefore }: { readonly notBefore?: number | undefined } = {},
): ProofVerdict {
  const parsed = proofFileSchema.safeParse(file);
  if (!parsed.success || !isCanonical(parsed.data))
    return { ok: false, findings: [{ code: 'malformed' }], checkpoint: null, completeness: null, file: null };
  const proof = parsed.data;
  const origin = originOf(proof.deploymentId);
  const checkpoint = verifyCheckpoint(proof.checkpoint, origin, checkpointKeysOf(trusted)) ?? null;
  const complete = checkCompleteness(proof, trusted, notBefore);
  const findings = [
    ...(checkpoint === null ? [{ code: 'checkpoint_unverified' } as const] : checkInclusion(proof, checkpoint)),
    ...checkBelonging(proof),
    ...checkOrder(proof.entries),
    ...checkContent(proof, trusted),
    ...complete.findings,
  ];
  return { ok: findings.length === 0, findings, checkpoint, completeness: complete.completeness, file: proof };
}

/** RFC 8785 has no form for some JSON (lone surrogates); what cannot be hashed proves nothing. */
function isCanonical(proof: ProofFile): boolean {
  try {
    canonicalJson(proof);
    return true;
  } catch {
    return false;
  }
}

function checkInclusion(proof: ProofFile, { size, root }: Checkpoint): ProofFinding[] {
  return proof.entries.flatMap(({ index, entry, inclusion }) => {
    const path = inclusion.map(hashFromBase64).filter((hash) => hash !== undefined);
    const included = path.length === inclusion.length && verifyInclusion(hashEntry(entry), index, size, path, root);
    return included ? [] : [{ code: 'entry_not_included', index }];
  });
}

function checkBelonging({ entries, deploymentId, reviewId }: ProofFile): ProofFinding[] {
  if (entries[0]?.entry.type !== 'proposed') return [{ code: 'order_broken' }];
  return entries.flatMap(({ index, entry }) => {
    const belongs = 'reviewId' in entry && entry.reviewId === reviewId && entry.deploymentId === deploymentId;
    return belongs ? [] : [{ code: 'foreign_entry', index }];
  });
}

/** What the entries refer to: envelopes and digest inputs. Retention erases both; then nothing more can be shown. */
function checkContent(proof: ProofFile, trusted: readonly TrustedKey[]): readonly ProofFinding[] {
  const refers = proof.entries.some(({ entry }) => ['decided', 'objected', 'started'].includes(entry.type));
  if (refers && proof.envelopes.length === 0 && proof.materials.length === 0) return [{ code: 'erased' }];
  const { opened, findings } = openEnvelopes(proof, trusted);
  const materials: Materials = new Map(proof.materials.map((material) => [digestMaterial(material), material]));
  const unknown = proof.entries.flatMap(({ index, entry }): ProofFinding[] =>
    (entry.type === 'decided' || entry.type === 'objected') && !materials.has(entry.digest)
      ? [{ code: 'digest_unknown', index }]
      : [],
  );
  return [
    ...findings,
    ...checkMaterials(proof),
    ...matchEntries(proof.entries, opened),
    ...unknown,
    ...checkStart(proof.entries, opened, materials),
  ];
}

function checkMaterials({ materials, deploymentId, reviewId }: ProofFile): ProofFinding[] {
  const revisions = new Set<number>();
  return materials.flatMap((material: Material) => {
    const twice = revisions.has(material.revision);
    revisions.add(material.revision);
    const foreign = material.deploymentId !== deploymentId || material.reviewId !== reviewId;
    return twice || foreign ? [{ code: 'foreign_material' }] : [];
  });
}

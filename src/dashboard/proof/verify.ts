/** Checks of the record, with the domain's own code. Loaded on demand, not with the page. */
import './globals.ts';
import type { IndexedEntry } from '../../contract/audit.ts';
import type { TrustedKey } from '../../contract/envelope.ts';
import { checkpointKeysOf, originOf, verifyCheckpoint, type Checkpoint } from '../../domain/proof/checkpoint.ts';
import { hashEntry, hashFromBase64, hashToBase64, type Hash } from '../../domain/proof/tree.ts';
import { verifyProof, type Completeness } from '../../domain/proof/verify-proof.ts';
import { PROOF_FINDINGS } from '../../domain/proof/proof-envelopes.ts';
import { verifyConsistency, verifyInclusion } from '../../domain/proof/merkle-proof.ts';

export interface ProofCheck {
  readonly ok: boolean;
  readonly findings: readonly { readonly code: string; readonly words: string; readonly index: number | null }[];
  readonly entries: number;
  /** Size of the log that the checkpoint covers; null: no trusted key signed it. */
  readonly size: number | null;
  /** Null where nothing shows that the file is whole. */
  readonly completeness: Completeness | null;
}

/** Everything that a proof file says, with the keys that this browser trusts. */
export function checkProof(file: unknown, keys: readonly TrustedKey[]): ProofCheck {
  const { ok, findings, checkpoint, completeness, file: proof } = verifyProof(file, keys);
  return {
    ok,
    findings: findings.map(({ code, index }) => ({ code, words: PROOF_FINDINGS[code], index: index ?? null })),
    entries: proof?.entries.length ?? 0,
    size: checkpoint?.size ?? null,
    completeness,
  };
}

/** The checkpoint if a trusted key signed it. */
export function openCheckpoint(
  note: string,
  deploymentId: string,
  keys: readonly TrustedKey[],
): Checkpoint | undefined {
  return verifyCheckpoint(note, originOf(deploymentId), checkpointKeysOf(keys));
}

export function isExtendedBy(earlier: Checkpoint, later: Checkpoint, proof: readonly string[]): boolean {
  const hashes = hashesOf(proof);
  return hashes !== undefined && verifyConsistency(earlier.size, later.size, hashes, earlier.root, later.root);
}

export function isIncluded({ index, entry }: IndexedEntry, proof: readonly string[], checkpoint: Checkpoint): boolean {
  const hashes = hashesOf(proof);
  return hashes !== undefined && verifyInclusion(hashEntry(entry), index, checkpoint.size, hashes, checkpoint.root);
}

export function rootText({ root }: Checkpoint): string {
  return hashToBase64(root);
}

function hashesOf(texts: readonly string[]): readonly Hash[] | undefined {
  const hashes = texts.map(hashFromBase64);
  return hashes.every((hash) => hash !== undefined) ? hashes : undefined;
}

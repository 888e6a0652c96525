import type { TrustFile } from '../../../contract/envelope.ts';
import { describeCompleteness, verifyProof, type ProofVerdict } from '../../../domain/proof/verify-proof.ts';
import { PROOF_FINDINGS } from '../../../domain/proof/proof-envelopes.ts';
import { Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { describeEntry } from './read.ts';

/** Checks one proof offline with the keys that the caller trusts, never with those in the file. */
export function verifyProofFile(io: Io, text: string, trust: TrustFile, notBefore?: number): void {
  const verdict = verifyWith(text, trust, notBefore);
  const { ok, findings, checkpoint, completeness, file } = verdict;
  io.data({
    ok,
    findings,
    reviewId: file?.reviewId ?? null,
    deploymentId: file?.deploymentId ?? null,
    checkpointSize: checkpoint?.size ?? null,
    entries: file?.entries.length ?? 0,
    completeness,
  });
  io.print(...renderProof(io, verdict));
  if (!ok) throw new Exit('verificationFailed');
}

/** A proof of another deployment may be sound, but it is not this one's. */
export function verifyWith(text: string, trust: TrustFile, notBefore?: number): ProofVerdict {
  const verdict = verifyProof(parse(text), trust.keys, { notBefore });
  const foreign = verdict.file !== null && verdict.file.deploymentId !== trust.deploymentId;
  return foreign ? { ...verdict, ok: false, findings: [...verdict.findings, { code: 'foreign_entry' }] } : verdict;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function renderProof(io: Io, { ok, findings, checkpoint, completeness, file }: ProofVerdict): string[] {
  const { colours } = io;
  if (!ok || file === null || completeness === null) {
    return findings.map(({ code, index }) => {
      const where = index === undefined ? '' : ` (entry ${index})`;
      return `${colours.red('✗')} ${code}: ${PROOF_FINDINGS[code]}${where}`;
    });
  }
  return [
    `${colours.green('✓')} the proof of ${file.reviewId} verifies: ${file.entries.length} entries in the signed log of ${checkpoint?.size ?? 0}`,
    `  ${describeCompleteness(completeness, file.entries.length)}`,
    ...file.entries.map((item) => `  ${describeEntry(item)}`),
  ];
}

import type { TrustFile } from '../../../contract/envelope.ts';
import { PROOF_FINDINGS } from '../../../core/log/proof-findings.ts';
import { verifyProof, type ProofVerdict } from '../../../core/log/verify-proof.ts';
import { Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import { describeEntry } from './read.ts';

/** Checks one proof offline with the keys that the caller trusts, never with those in the file. */
export function verifyProofFile(io: Io, text: string, trust: TrustFile): void {
  const verdict = verifyWith(text, trust);
  const { ok, findings, checkpoint, file } = verdict;
  io.data({
    ok,
    findings,
    reviewId: file?.reviewId ?? null,
    deploymentId: file?.deploymentId ?? null,
    checkpointSize: checkpoint?.size ?? null,
    entries: file?.entries.length ?? 0,
  });
  io.print(...renderProof(io, verdict));
  if (!ok) throw new Exit('verificationFailed');
}

/** A proof of another deployment may be sound, but it is not this one's. */
export function verifyWith(text: string, trust: TrustFile): ProofVerdict {
  const verdict = verifyProof(parse(text), trust.keys);
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

export function renderProof(io: Io, { ok, findings, checkpoint, file }: ProofVerdict): string[] {
  const { colours } = io;
  if (!ok || file === null) {
    return findings.map(({ code, index }) => {
      const where = index === undefined ? '' : ` (entry ${index})`;
      return `${colours.red('✗')} ${code}: ${PROOF_FINDINGS[code]}${where}`;
    });
  }
  return [
    `${colours.green('✓')} the proof of ${file.reviewId} verifies: ${file.entries.length} entries in the signed log of ${checkpoint?.size ?? 0}`,
    ...file.entries.map((item) => `  ${describeEntry(item)}`),
  ];
}

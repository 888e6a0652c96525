import { proofFileSchema, type AuditEntry, type IndexedEntry, type ProofFile } from '../../contract/audit.ts';
import type { StatementPayload, TrustedKey } from '../../contract/envelope.ts';
import type { Material } from '../../contract/review.ts';
import { canonicalJson, digestMaterial } from './digest.ts';
import { checkpointKeysOf, originOf, verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { hashEntry, hashFromBase64 } from './tree.ts';
import { matchEntries, openEnvelopes, openOne, type ProofFinding } from './proof-envelopes.ts';
import { checkOrder, checkStart, type Materials } from './proof-history.ts';
import { verifyInclusion } from './merkle-proof.ts';

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

/** Up to where a proof is known to be whole: it holds all `n` entries that the review had at `at`. */
export type Completeness = Pick<StatementPayload, 'last' | 'n' | 'size' | 'at'>;

export interface CompletenessVerdict {
  /** Null where it is unknown, or where entries are missing. */
  readonly completeness: Completeness | null;
  readonly findings: readonly ProofFinding[];
}

/**
 * Whether entries were cut from the file. Their numbers show what is missing in the middle; what is missing at the end
 * shows only in the statement, so a file without one is not taken for whole. The one who hands over the file can choose
 * an old statement, so the verdict names its time.
 *
 * @param notBefore epoch ms; an older statement is refused
 */
export function checkCompleteness(
  file: Pick<ProofFile, 'deploymentId' | 'reviewId' | 'entries' | 'statement'>,
  trusted: readonly TrustedKey[],
  notBefore?: number,
): CompletenessVerdict {
  const { entries } = file;
  const fail = (...findings: readonly ProofFinding[]): CompletenessVerdict => ({ completeness: null, findings });
  if (entries.some(({ entry }) => numberOf(entry) === undefined)) return fail({ code: 'completeness_unknown' });
  const gap = findGap(entries);
  if (gap !== undefined) return fail({ code: 'proof_incomplete', index: gap.index });
  if (file.statement === null) return fail({ code: 'completeness_unknown' });
  const opened = openOne('statement', file.statement, trusted);
  if (opened?.kind !== 'statement') return fail({ code: 'statement_unverified' });
  const { deploymentId, reviewId, last, n, size, at } = opened.payload;
  if (deploymentId !== file.deploymentId || reviewId !== file.reviewId) return fail({ code: 'foreign_statement' });
  if (n > entries.length) return fail({ code: 'proof_incomplete' });
  if (contradicts(opened.payload, entries)) return fail({ code: 'foreign_statement' });
  if (notBefore !== undefined && !(Date.parse(at) >= notBefore)) return fail({ code: 'statement_too_old' });
  return { completeness: { last, n, size, at }, findings: [] };
}

/** `complete as of entry 7, 2026-11-30T12:00:00.000Z`, and how many entries of the file are later. */
export function describeCompleteness({ n, at }: Completeness, entries: number): string {
  const later = entries - n;
  const rest =
    later === 0 ? '' : `; there is no statement for the ${later === 1 ? 'entry' : `${later} entries`} after it`;
  return `complete as of entry ${n}, ${at}${rest}`;
}

/** The first entry that does not follow the one before it in the file. */
function findGap(entries: readonly IndexedEntry[]): IndexedEntry | undefined {
  return entries.find(({ entry }, i) => {
    const previous = 'n' in entry ? (entry.previous ?? null) : null;
    return numberOf(entry) !== i + 1 || previous !== (entries[i - 1]?.index ?? null);
  });
}

/** The statement's last entry is at another index, or the file has one of that log which the statement does not count. */
function contradicts({ n, last, size }: StatementPayload, entries: readonly IndexedEntry[]): boolean {
  const next = entries[n];
  return entries[n - 1]?.index !== last || (next !== undefined && next.index < size);
}

function numberOf(entry: AuditEntry): number | undefined {
  return 'n' in entry ? entry.n : undefined;
}

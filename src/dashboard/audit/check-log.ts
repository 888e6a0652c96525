import type { CheckpointResponse } from '../../contract/api.ts';
import type { AuditKeys, ConsistencyResponse, InclusionResponse } from '../../contract/audit-query.ts';
import type { IndexedEntry } from '../../contract/audit.ts';
import { getJson } from '../data/client.ts';
import { keep, newKeys, trustFor, type KeptTrust } from '../proof/kept-trust.ts';
import type * as core from '../proof/verify.ts';

/** Most entries of one request for proofs. */
const PROOFS_AT_ONCE = 100;

export interface LogCheck {
  readonly size: number;
  /** Base64; null: no trusted key signed the checkpoint. */
  readonly root: string | null;
  /** Against the checkpoint that this browser kept; null: it kept none. */
  readonly extendsKept: { readonly ok: boolean; readonly size: number; readonly at: string } | null;
  /** Shown entries that the checkpoint covers, and those of them that are not in its log. */
  readonly covered: number;
  readonly missing: readonly number[];
  readonly kept: KeptTrust;
  readonly isFirst: boolean;
  readonly unknownKeys: ReturnType<typeof newKeys>;
  readonly offered: AuditKeys;
}

/**
 * Checks the signed checkpoint, that it extends the one this browser verified before, and that every entry shown is in
 * it. A checkpoint that holds is kept for the next time; one that does not never replaces it.
 */
export async function checkLog(shown: readonly IndexedEntry[]): Promise<LogCheck> {
  const [{ size, checkpoint: note }, offered, checks] = await Promise.all([
    getJson<CheckpointResponse>('/v1/audit/checkpoint'),
    getJson<AuditKeys>('/v1/audit/keys'),
    import('../proof/verify.ts'),
  ]);
  const now = new Date().toISOString();
  const { kept, isFirst } = trustFor(localStorage, offered, now);
  const common = { size, kept, isFirst, unknownKeys: newKeys(kept, offered), offered };
  const checkpoint = checks.openCheckpoint(note, kept.deploymentId, kept.keys);
  if (checkpoint === undefined) return { ...common, root: null, extendsKept: null, covered: 0, missing: [] };

  const before = kept.checkpoint && checks.openCheckpoint(kept.checkpoint.note, kept.deploymentId, kept.keys);
  const extendsKept =
    before === null || before === undefined || kept.checkpoint === null
      ? null
      : { ok: await isExtended(checks.isExtendedBy, before, checkpoint), size: before.size, at: kept.checkpoint.at };

  const covered = shown.filter(({ index }) => index < checkpoint.size);
  const missing: number[] = [];
  for (let at = 0; at < covered.length; at += PROOFS_AT_ONCE) {
    const some = covered.slice(at, at + PROOFS_AT_ONCE);
    const indices = some.map(({ index }) => index).join(',');
    const { proofs } = await getJson<InclusionResponse>(`/v1/audit/inclusion?size=${checkpoint.size}&index=${indices}`);
    for (const [i, entry] of some.entries()) {
      if (!checks.isIncluded(entry, proofs[i]?.inclusion ?? [], checkpoint)) missing.push(entry.index);
    }
  }
  if (extendsKept?.ok !== false && missing.length === 0) {
    keep(localStorage, { ...kept, checkpoint: { size: checkpoint.size, note, at: now } });
  }
  return { ...common, root: checks.rootText(checkpoint), extendsKept, covered: covered.length, missing };
}

type Checkpoint = NonNullable<ReturnType<typeof core.openCheckpoint>>;

/** A log that has become shorter has been cut: no proof can say otherwise. */
async function isExtended(
  isExtendedBy: typeof core.isExtendedBy,
  before: Checkpoint,
  now: Checkpoint,
): Promise<boolean> {
  if (now.size < before.size) return false;
  const { proof } = await getJson<ConsistencyResponse>(`/v1/audit/consistency?from=${before.size}&to=${now.size}`);
  return isExtendedBy(before, now, proof);
}

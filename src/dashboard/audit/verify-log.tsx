import { useQuery } from '@tanstack/react-query';
import type { CheckpointResponse } from '../../contract/api.ts';
import type { IndexedEntry } from '../../contract/audit.ts';
import { getJson } from '../data/client.ts';
import { keep, trustFor, type KeptTrust } from '../proof/kept-trust.ts';
import { TrustedCheck } from '../proof/trusted-check.tsx';
import { Instant } from '../ui/times.tsx';
import type { AuditKeys, ConsistencyResponse, InclusionResponse } from '../../contract/audit-query.ts';
import type * as core from '../proof/verify.ts';
import { words } from '../words.ts';

/** The latest checkpoint, and whether the log holds what it promises. */
export function VerifyLog({ shown }: { readonly shown: readonly IndexedEntry[] }) {
  const checkpoint = useQuery({
    queryKey: ['checkpoint'] as const,
    queryFn: () => getJson<CheckpointResponse>('/v1/audit/checkpoint'),
  }).data;
  return (
    <section className="card" aria-labelledby="checkpoint">
      <h2 id="checkpoint">{words.audit.checkpoint}</h2>
      {checkpoint === undefined ? (
        <p className="quiet">{words.audit.noCheckpoint}</p>
      ) : (
        <details>
          <summary>{words.audit.signedOver(checkpoint.size)}</summary>
          <pre tabIndex={0} role="region" aria-label={words.audit.signedCheckpoint}>
            {checkpoint.checkpoint}
          </pre>
        </details>
      )}
      <TrustedCheck button={words.audit.verify} failed={words.audit.notVerified} check={() => checkLog(shown)}>
        {(check) => <Findings check={check} />}
      </TrustedCheck>
    </section>
  );
}

function Findings({ check }: { readonly check: LogCheck }) {
  const { root, extendsKept, covered, missing, size } = check;
  const isGood = root !== null && extendsKept?.ok !== false && missing.length === 0;
  return (
    <div
      className={`note ${isGood ? 'note-good' : 'note-bad'}`}
      role={isGood ? 'status' : 'alert'}
      data-verdict={isGood ? 'ok' : 'failed'}
    >
      <ul className="findings">
        <li>{root === null ? words.audit.noTrustedKey : words.audit.trustedKey(size)}</li>
        {root !== null && extendsKept === null && <li>{words.audit.firstCheckpoint}</li>}
        {extendsKept !== null && (
          <li>
            {extendsKept.ok ? words.audit.extends(extendsKept.size) : words.audit.doesNotExtend(extendsKept.size)}{' '}
            <Instant at={extendsKept.at} />.
          </li>
        )}
        {root !== null && (
          <li>
            {missing.length === 0
              ? words.audit.allCovered(covered)
              : words.audit.notInLog(missing.map((index) => `#${index}`).join(', '))}
          </li>
        )}
      </ul>
    </div>
  );
}

/** Most entries of one request for proofs. */
const PROOFS_AT_ONCE = 100;

interface LogCheck {
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
  readonly offered: AuditKeys;
}

/**
 * Checks the signed checkpoint, that it extends the one this browser verified before, and that every entry shown is in
 * it. A checkpoint that holds is kept for the next time; one that does not never replaces it.
 */
async function checkLog(shown: readonly IndexedEntry[]): Promise<LogCheck> {
  const [{ size, checkpoint: note }, offered, checks] = await Promise.all([
    getJson<CheckpointResponse>('/v1/audit/checkpoint'),
    getJson<AuditKeys>('/v1/audit/keys'),
    import('../proof/verify.ts'),
  ]);
  const now = new Date().toISOString();
  const { kept, isFirst } = trustFor(localStorage, offered, now);
  const common = { size, kept, isFirst, offered };
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

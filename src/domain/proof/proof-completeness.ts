import type { AuditEntry, IndexedEntry, ProofFile } from '../../contract/audit.ts';
import type { StatementPayload, TrustedKey } from '../../contract/envelope.ts';
import { openOne } from './proof-envelopes.ts';
import type { ProofFinding } from './proof-findings.ts';

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
  const rest = later === 0 ? '' : `; nothing vouches for the ${later === 1 ? 'entry' : `${later} entries`} after it`;
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

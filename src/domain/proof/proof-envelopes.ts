import type { AuditEntry, IndexedEntry, ProofFile } from '../../contract/audit.ts';
import {
  ENVELOPE_KINDS,
  SIGNING_ROLE,
  type EnvelopeKind,
  type EnvelopePayload,
  type TrustedKey,
} from '../../contract/envelope.ts';
import { DRILL } from '../../contract/constants.ts';
import { drillProposer } from '../drill.ts';
import { publicKeyOf, verifyEnvelope, type Verified } from './dsse.ts';

/** What can be wrong with a proof file. Nothing found means that it proves what it shows. */
export const PROOF_FINDINGS = {
  malformed: 'The file is not a Holdpoint proof',
  checkpoint_unverified: 'No trusted key signed the checkpoint',
  entry_not_included: 'An entry is not in the log of the checkpoint',
  foreign_entry: 'An entry belongs to another review or deployment',
  foreign_material: 'A digest input belongs to another review or deployment, or its revision appears twice',
  envelope_unverified: 'An envelope is not signed by a key trusted for its kind',
  foreign_envelope: 'An envelope belongs to another review or deployment',
  envelope_missing: 'An entry names an envelope that is not in the file',
  entry_contradicts_envelope: 'An entry contradicts the envelope it names',
  digest_unknown: 'A decision is about something that the file does not show',
  order_broken: 'The entries cannot have happened in this order',
  quorum_missing: 'The call was started without the approvals it needed',
  denied_but_started: 'The call was started although a reviewer had rejected it',
  started_unknown: 'The call that was started is not the one in the file',
  reclassified_free: 'An irreversible or forbidden call ran without a decision',
  proof_incomplete: 'Entries of the review are missing from the file',
  completeness_unknown: 'Entries may have been cut off: no statement of the execute worker says how many there are',
  statement_unverified: 'No trusted execute key signed the statement of completeness',
  foreign_statement: 'The statement of completeness is about another review, deployment or history',
  statement_too_old: 'The statement of completeness is older than required',
  erased: 'Retention has erased what the decisions were about',
} as const;
type ProofFindingCode = keyof typeof PROOF_FINDINGS;

export interface ProofFinding {
  readonly code: ProofFindingCode;
  /** Audit index of the entry concerned, where there is one. */
  readonly index?: number;
}

/** An envelope that verified, by the digest of its payload bytes. */
type OpenedEnvelope = { [K in EnvelopeKind]: { readonly kind: K } & Verified<K> }[EnvelopeKind];
export type OpenedEnvelopes = ReadonlyMap<string, OpenedEnvelope>;

/** Opens every envelope with the keys trusted for its kind. `file` is hostile; what does not verify is not used. */
export function openEnvelopes(
  file: Pick<ProofFile, 'deploymentId' | 'reviewId' | 'envelopes'>,
  trusted: readonly TrustedKey[],
): { readonly opened: OpenedEnvelopes; readonly findings: readonly ProofFinding[] } {
  const opened = new Map<string, OpenedEnvelope>();
  const findings: ProofFinding[] = [];
  for (const { kind, envelope } of file.envelopes) {
    const verified = isKind(kind) ? openOne(kind, envelope, trusted) : undefined;
    if (verified === undefined) {
      findings.push({ code: 'envelope_unverified' });
    } else if (verified.payload.deploymentId !== file.deploymentId || reviewOf(verified) !== file.reviewId) {
      findings.push({ code: 'foreign_envelope' });
    } else {
      opened.set(verified.payloadDigest, verified);
    }
  }
  return { opened, findings };
}

/** One envelope, if a key trusted for its kind signed it before it was retired. */
export function openOne(
  kind: EnvelopeKind,
  envelope: unknown,
  trusted: readonly TrustedKey[],
): OpenedEnvelope | undefined {
  const candidates = trusted.filter((key) => key.role === SIGNING_ROLE[kind]);
  const keys = candidates.map((key) => ({ keyid: key.keyid, publicKey: publicKeyOf(key.publicKey) }));
  const verified = verifyEnvelope(kind, envelope, keys);
  if (verified === undefined) return undefined;
  const opened = { kind, ...verified } as unknown as OpenedEnvelope;
  // What a key signed before it was retired still counts; a thief of it may not add to that.
  const retiredAt = candidates.find((key) => key.keyid === verified.keyid)?.retiredAt;
  const signedAt = Date.parse(signedAtOf(opened));
  return retiredAt === undefined || signedAt <= Date.parse(retiredAt) ? opened : undefined;
}

/** The field of each payload that says when it was signed. */
const SIGNED_AT = {
  proposal: 'proposedAt',
  evidence: 'gatheredAt',
  decision: 'decidedAt',
  revision: 'submittedAt',
  withdrawal: 'withdrawnAt',
  reconciliation: 'reconciledAt',
  statement: 'at',
  drill: 'startedAt',
  freeze: 'frozenAt',
  lift: 'liftedAt',
} as const satisfies { readonly [K in EnvelopeKind]: keyof EnvelopePayload<K> };

function signedAtOf({ kind, payload }: OpenedEnvelope): string {
  return (payload as Readonly<Record<string, unknown>>)[SIGNED_AT[kind]] as string;
}

/** None of a freeze, or of a lift. */
function reviewOf({ payload }: OpenedEnvelope): string | undefined {
  return 'reviewId' in payload ? payload.reviewId : undefined;
}

function isKind(kind: string): kind is EnvelopeKind {
  return (ENVELOPE_KINDS as readonly string[]).includes(kind);
}

/** Every entry that names an envelope says what the envelope says. */
export function matchEntries(entries: readonly IndexedEntry[], opened: OpenedEnvelopes): readonly ProofFinding[] {
  return entries.flatMap(({ index, entry }): ProofFinding[] => {
    const named = envelopeNamedBy(entry);
    if (named === undefined) return [];
    const envelope = opened.get(named);
    if (envelope === undefined) return [{ code: 'envelope_missing', index }];
    return agrees(entry, envelope) ? [] : [{ code: 'entry_contradicts_envelope', index }];
  });
}

function envelopeNamedBy(entry: AuditEntry): string | undefined {
  if (entry.type === 'proposed') return entry.attested ? entry.proposalDigest : undefined;
  return 'envelopeDigest' in entry ? (entry.envelopeDigest ?? undefined) : undefined;
}

function agrees(entry: AuditEntry, envelope: OpenedEnvelope): boolean {
  switch (entry.type) {
    case 'proposed':
      if (envelope.kind === 'drill') {
        return entry.tool === DRILL.tool && entry.proposer === drillProposer(envelope.payload.reviewer.id);
      }
      return (
        envelope.kind === 'proposal' &&
        envelope.payload.proposer === entry.proposer &&
        envelope.payload.request.tool === entry.tool
      );
    case 'decided':
      return envelope.kind === 'decision' && agreesOnDecision(entry, envelope.payload);
    case 'objected':
      return envelope.kind === 'decision' && envelope.payload.type === 'reject' && saysOf(entry, envelope.payload);
    case 'revised':
      // By the proposer's revision, or by a reviewer's edit.
      return (
        (envelope.kind === 'revision' && envelope.payload.proposer === entry.by) ||
        (envelope.kind === 'decision' &&
          envelope.payload.type === 'edit' &&
          envelope.payload.reviewer.id === entry.by &&
          envelope.payload.revision + 1 === entry.revision)
      );
    case 'withdrawn':
      return envelope.kind === 'withdrawal' && envelope.payload.proposer === entry.by;
    case 'reconciled':
      return (
        envelope.kind === 'reconciliation' &&
        envelope.payload.outcome === entry.outcome &&
        envelope.payload.reviewer.id === entry.by
      );
    default:
      return true;
  }
}

function agreesOnDecision(entry: Extract<AuditEntry, { type: 'decided' }>, said: EnvelopePayload<'decision'>): boolean {
  return said.type === entry.decision && said.level === entry.level && saysOf(entry, said);
}

function saysOf(
  entry: Extract<AuditEntry, { type: 'decided' | 'objected' }>,
  said: EnvelopePayload<'decision'>,
): boolean {
  return (
    said.decisionUlid === entry.decisionUlid &&
    said.reviewer.id === entry.reviewer &&
    said.channel === entry.channel &&
    said.revision === entry.revision &&
    said.digest === entry.digest
  );
}

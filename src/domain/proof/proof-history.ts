import type { AuditEntry, IndexedEntry } from '../../contract/audit.ts';
import type { OpenedEnvelopes, ProofFinding } from './proof-envelopes.ts';
import type { DecisionPayload } from '../../contract/envelope.ts';
import type { Digest } from '../../contract/json.ts';
import type { Material } from '../../contract/review.ts';
import { sameJson } from './digest.ts';
import { canFill, type Seat } from '../gate/seats.ts';

/** What has happened to a review by the entries so far. `settled`: its outcome is known. */
type Mark = 'proposed' | 'classified' | 'denied' | 'started' | 'deferred' | 'unknown' | 'settled' | 'finished';
type Past = ReadonlySet<Mark>;

/** Whether entries can have happened in this order. Times are not judged: several machines wrote them. */
export function checkOrder(entries: readonly IndexedEntry[]): readonly ProofFinding[] {
  const past = new Set<Mark>();
  const findings: ProofFinding[] = [];
  let last = -1;
  for (const { index, entry } of entries) {
    if (entry.type === 'started' && past.has('denied')) findings.push({ code: 'denied_but_started', index });
    else if (index <= last || !follows(entry, past)) findings.push({ code: 'order_broken', index });
    last = index;
    // A deferred call has not run: it can be denied, or started anew.
    if (entry.type === 'deferred') past.delete('started');
    for (const mark of marksOf(entry, past)) past.add(mark);
  }
  return findings;
}

function follows(entry: AuditEntry, past: Past): boolean {
  switch (entry.type) {
    case 'proposed':
      return !past.has('proposed');
    case 'classified':
    case 'aborted':
    case 'notified':
      return past.has('proposed');
    case 'decided':
    case 'revised':
      return past.has('classified') && !past.has('denied') && !past.has('started') && !past.has('deferred');
    case 'objected':
    case 'withdrawn':
    case 'expired':
      return past.has('proposed') && !past.has('denied') && !past.has('started');
    case 'started':
      return past.has('classified') && !past.has('settled') && (!past.has('started') || entry.resend);
    case 'deferred':
      return past.has('started') && !past.has('unknown') && !past.has('settled');
    case 'finished':
      // A call that never started can end as failed: it was not run in time, or it had become another call.
      if (past.has('finished')) return false;
      // What the target said after a person had settled it is put on record as well.
      if (past.has('settled')) return entry.late;
      return past.has('started') ? entry.late === past.has('unknown') : entry.status === 'failed';
    case 'unknown':
      return past.has('started') && !past.has('settled') && !past.has('unknown');
    case 'reconciled':
      return past.has('unknown') && !past.has('settled');
    case 'policy_changed':
    case 'restored':
    case 'frozen':
    case 'lifted':
      return false;
    default:
      return entry satisfies never;
  }
}

function marksOf(entry: AuditEntry, past: Past): readonly Mark[] {
  switch (entry.type) {
    case 'classified':
      return entry.status === 'blocked' ? ['classified', 'denied'] : ['classified'];
    case 'decided':
      return entry.status === 'rejected' || entry.decision === 'reject' ? ['denied'] : [];
    case 'objected':
    case 'withdrawn':
    case 'expired':
      return ['denied'];
    case 'aborted':
      return past.has('started') ? [] : ['denied'];
    case 'finished':
      return ['settled', 'finished'];
    case 'reconciled':
      return ['settled'];
    case 'proposed':
    case 'started':
    case 'deferred':
    case 'unknown':
      return [entry.type];
    case 'notified':
    case 'revised':
    case 'policy_changed':
    case 'restored':
    case 'frozen':
    case 'lifted':
      return [];
    default:
      return entry satisfies never;
  }
}

/** Digest inputs by the digest they give. */
export type Materials = ReadonlyMap<Digest, Material>;

interface StartedEntry {
  readonly index: number;
  readonly entry: Extract<AuditEntry, { type: 'started' }>;
}

/**
 * Whether the yeses that were on record each time the call started carry exactly what was started. Who belongs to which
 * group is not in the file; that reviewers were distinct, in time, on this digest and not the proposer is.
 */
export function checkStart(
  entries: readonly IndexedEntry[],
  opened: OpenedEnvelopes,
  materials: Materials,
): readonly ProofFinding[] {
  const starts = entries.flatMap(({ index, entry }) => (entry.type === 'started' ? [{ index, entry }] : []));
  return starts.flatMap((started) => checkOneStart(started, entries, opened, materials));
}

function checkOneStart(
  { index, entry: { digest, revision } }: StartedEntry,
  entries: readonly IndexedEntry[],
  opened: OpenedEnvelopes,
  materials: Materials,
): readonly ProofFinding[] {
  const material = materials.get(digest);
  if (material === undefined || material.revision !== revision) return [{ code: 'started_unknown', index }];
  if (material.levels.length === 0) {
    const free = material.class === 'reversible' || material.class === 'sensitive';
    return free ? [] : [{ code: 'reclassified_free', index }];
  }
  const decisions = decisionsBefore(index, entries, opened);
  if (decisions.some((decision) => decision.type === 'reject')) return [{ code: 'denied_but_started', index }];
  return carries(material, digest, decisions, materials) ? [] : [{ code: 'quorum_missing', index }];
}

/** Verified decisions whose entry stands before the start, oldest first. */
function decisionsBefore(
  index: number,
  entries: readonly IndexedEntry[],
  opened: OpenedEnvelopes,
): readonly DecisionPayload[] {
  return entries.flatMap(({ index: at, entry }) => {
    if (entry.type !== 'decided' || at >= index) return [];
    const envelope = opened.get(entry.envelopeDigest);
    return envelope?.kind === 'decision' ? [envelope.payload] : [];
  });
}

function carries(
  material: Material,
  digest: Digest,
  decisions: readonly DecisionPayload[],
  materials: Materials,
): boolean {
  const barred = material.separationOfDuties ? new Set([material.proposer, material.owner]) : new Set<string | null>();
  const deadline = material.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(material.expiresAt);
  const votes = decisions.flatMap((decision) => {
    const level = levelOf(decision, material, digest, materials);
    const counts =
      level !== undefined && Date.parse(decision.decidedAt) <= deadline && !barred.has(decision.reviewer.id);
    return counts ? [{ level, reviewer: decision.reviewer.id }] : [];
  });
  const seats: Seat[] = material.levels.flatMap(({ quorum }, i) => {
    const people = new Set(votes.filter((vote) => vote.level === i + 1).map((vote) => vote.reviewer));
    return Array.from({ length: quorum }, (_, seat) => ({ level: i + 1, seat, people }));
  });
  return canFill(seats, material.separationOfDuties);
}

/** The level on which a decision counts for this revision; undefined where it does not count. */
function levelOf(
  decision: DecisionPayload,
  material: Material,
  digest: Digest,
  materials: Materials,
): number | undefined {
  if (decision.type === 'approve') {
    return decision.digest === digest && decision.revision === material.revision ? decision.level : undefined;
  }
  // An edit names the version before. It counts as a yes at level one of the version it made, unless duties are
  // separated or the evidence changed with it.
  const before = materials.get(decision.digest);
  if (decision.type !== 'edit' || before === undefined || decision.editedArguments === undefined) return undefined;
  const counts =
    before.revision === decision.revision &&
    material.revision === before.revision + 1 &&
    material.tool === before.tool &&
    !material.separationOfDuties &&
    sameJson(material.arguments, decision.editedArguments) &&
    sameJson(factsOf(material), factsOf(before));
  return counts ? 1 : undefined;
}

function factsOf({ evidence }: Material): unknown {
  return evidence === null ? null : { facts: evidence.facts, sourceHash: evidence.sourceHash };
}

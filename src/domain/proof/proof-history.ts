import type { AuditEntry, IndexedEntry } from '../../contract/audit.ts';
import type { OpenedEnvelopes, ProofFinding } from './proof-envelopes.ts';
import type { DecisionPayload } from '../../contract/envelope.ts';
import type { Digest } from '../../contract/json.ts';
import type { Material } from '../../contract/review.ts';
import { canonicalJson } from './digest.ts';
import { canFill, type Seat } from '../gate/seats.ts';

interface Past {
  proposed: boolean;
  classified: boolean;
  denied: boolean;
  started: boolean;
  unknown: boolean;
  settled: boolean;
  finished: boolean;
}

/** Whether entries can have happened in this order. Times are not judged: several machines wrote them. */
export function checkOrder(entries: readonly IndexedEntry[]): readonly ProofFinding[] {
  const past: Past = {
    proposed: false,
    classified: false,
    denied: false,
    started: false,
    unknown: false,
    settled: false,
    finished: false,
  };
  const findings: ProofFinding[] = [];
  let last = -1;
  for (const { index, entry } of entries) {
    if (entry.type === 'started' && past.denied) findings.push({ code: 'denied_but_started', index });
    else if (index <= last || !follows(entry, past)) findings.push({ code: 'order_broken', index });
    last = index;
    remember(entry, past);
  }
  return findings;
}

function follows(entry: AuditEntry, past: Past): boolean {
  switch (entry.type) {
    case 'proposed':
      return !past.proposed;
    case 'classified':
    case 'aborted':
    case 'notified':
      return past.proposed;
    case 'decided':
    case 'revised':
      return past.classified && !past.denied && !past.started;
    case 'objected':
    case 'withdrawn':
    case 'expired':
      return past.proposed && !past.denied && !past.started;
    case 'started':
      return past.classified && !past.settled && (!past.started || entry.resend);
    case 'finished':
      // A call that never started can end as failed: it was not run in time, or it had become another call.
      if (past.finished) return false;
      // What the target said after a person had settled it is put on record as well.
      if (past.settled) return entry.late;
      return past.started ? entry.late === past.unknown : entry.status === 'failed';
    case 'unknown':
      return past.started && !past.settled && !past.unknown;
    case 'reconciled':
      return past.unknown && !past.settled;
    case 'policy_changed':
      return false;
    default:
      return entry satisfies never;
  }
}

function remember(entry: AuditEntry, past: Past): void {
  switch (entry.type) {
    case 'proposed':
      past.proposed = true;
      return;
    case 'classified':
      past.classified = true;
      past.denied ||= entry.status === 'blocked';
      return;
    case 'decided':
      past.denied ||= entry.status === 'rejected' || entry.decision === 'reject';
      return;
    case 'objected':
    case 'withdrawn':
    case 'expired':
      past.denied = true;
      return;
    case 'aborted':
      past.denied ||= !past.started;
      return;
    case 'started':
      past.started = true;
      return;
    case 'unknown':
      past.unknown = true;
      return;
    case 'finished':
      past.settled = true;
      past.finished = true;
      return;
    case 'reconciled':
      past.settled = true;
      return;
    case 'notified':
    case 'revised':
    case 'policy_changed':
      return;
    default:
      entry satisfies never;
  }
}

/** Digest inputs by the digest they give. */
export type Materials = ReadonlyMap<Digest, Material>;

/**
 * Whether the yeses that were on record when the call started carry exactly what was started. Who belongs to which
 * group is not in the file; that reviewers were distinct, in time, on this digest and not the proposer is.
 */
export function checkStart(
  entries: readonly IndexedEntry[],
  opened: OpenedEnvelopes,
  materials: Materials,
): readonly ProofFinding[] {
  const started = entries.find(({ entry }) => entry.type === 'started');
  if (started?.entry.type !== 'started') return [];
  const { index } = started;
  const { digest } = started.entry;
  const material = materials.get(digest);
  if (material === undefined || material.revision !== started.entry.revision)
    return [{ code: 'started_unknown', index }];
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
    same(material.arguments, decision.editedArguments) &&
    same(factsOf(material), factsOf(before));
  return counts ? 1 : undefined;
}

function factsOf({ evidence }: Material): unknown {
  return evidence === null ? null : { facts: evidence.facts, sourceHash: evidence.sourceHash };
}

function same(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

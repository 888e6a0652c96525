import type { IndexedEntry } from '../../contract/audit.ts';
import type { DecisionPayload } from '../../contract/envelope.ts';
import type { Digest } from '../../contract/json.ts';
import type { Material } from '../../contract/review.ts';
import { canonicalJson } from './digest.ts';
import { canFill, type Seat } from '../policy/seats.ts';
import type { OpenedEnvelopes } from './proof-envelopes.ts';
import type { ProofFinding } from './proof-findings.ts';

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

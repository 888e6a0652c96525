import type { AuditEntry } from '../../contract/audit.ts';
import type { CallClass } from '../../contract/call.ts';
import type { ExecutionErrorCode } from '../../contract/codes.ts';
import type { DecisionPayload } from '../../contract/envelope.ts';
import type { Digest } from '../../contract/json.ts';
import type { Level, Material } from '../../contract/review.ts';
import { mayVote } from '../eligibility.ts';
import { digestMaterial, sameJson } from '../proof/digest.ts';
import { findUnfillable } from '../gate/seats.ts';
import { votingGroupsOf, type Settings } from '../policy/settings.ts';

/**
 * What the execute worker knows when it is asked to make a call. Everything here that came through Temporal is
 * hostile until the digest of the material is one that verified decisions name.
 */
export interface ExecutionRequest {
  readonly material: Material;
  /** The revision before it, where an edit's yes is to count. */
  readonly previous: Material | null;
  /** Decision envelopes whose signatures were verified just now. */
  readonly decisions: readonly VerifiedDecision[];
  /** What the audit log says of this review. */
  readonly record: RecordedDecisions;
  /** The call classified again, with the policy in force now. */
  readonly now: {
    readonly verdict: 'blocked' | 'free' | 'held';
    readonly class: CallClass | null;
    readonly levels: readonly Level[];
    readonly separationOfDuties: boolean;
    /** The human answerable for the proposer now. */
    readonly owner: string | null;
  };
  /** Whether the proposal may go without a decision when its class is free (attested, or `unattested: allow`). */
  readonly mayRunFree: boolean;
  readonly settings: Settings;
  /** Deadline as the ledger keeps it; epoch ms. */
  readonly ledgerExpiresAt: number | null;
  /** Epoch ms. */
  readonly at: number;
}

export interface VerifiedDecision {
  readonly payload: DecisionPayload;
  /** SHA-256 (`sha256:…`) of the payload bytes. */
  readonly payloadDigest: Digest;
}

export type Authorization =
  /** `staleAt` (epoch ms): until when an approval may wait to be executed; null: the call needed none. */
  | { readonly ok: true; readonly digest: Digest; readonly staleAt: number | null }
  | { readonly ok: false; readonly code: AuthorizationRefusal };
export type AuthorizationRefusal = Extract<ExecutionErrorCode, 'not_authorized' | 'reclassified' | 'approval_stale'>;

/**
 * Decides whether a call may be made now: the decisions must carry it under the levels as they were signed *and*
 * under the levels in force; the class is the stricter of then and now. Pure; the execute activity calls it right
 * before the claim.
 */
export function authorizeExecution(request: ExecutionRequest): Authorization {
  const { material, now, settings } = request;
  const digest = digestMaterial(material);
  if (material.deploymentId !== settings.deploymentId || material.kind !== 'call') return no('not_authorized');
  if (now.verdict === 'blocked') return no('reclassified');
  if (request.record.isBarred || request.record.revision !== material.revision) return no('not_authorized');
  // Later revisions exist only under a gate, so a call that never needed one has no revision 2.
  const freeThen =
    material.revision === 1 &&
    material.levels.length === 0 &&
    material.class !== 'irreversible' &&
    material.class !== 'forbidden';
  const freeNow = now.verdict === 'free' && now.class !== 'irreversible';
  if (freeThen) {
    if (!request.mayRunFree) return no('not_authorized');
    if (!freeNow) return no('reclassified');
    // Policy alone does not tell that a call was held for a limit, and the material is what Temporal carried.
    return request.record.isFree ? { ok: true, digest, staleAt: null } : no('not_authorized');
  }
  if (request.decisions.some(({ payload }) => payload.type === 'reject' && payload.reviewId === material.reviewId)) {
    return no('not_authorized');
  }
  const votes = countedVotes(request, digest);
  const decidedAt = carriedAt(material.levels, material.separationOfDuties, votes, request);
  if (decidedAt === undefined) return no('not_authorized');
  const staleAt = decidedAt + settings.executeWithinMs;
  if (request.at > staleAt) return no('approval_stale');
  const carried = freeNow || carries(now.levels, now.separationOfDuties, votes, request);
  return carried ? { ok: true, digest, staleAt } : no('reclassified');
}

const no = (code: AuthorizationRefusal): Authorization => ({
  ok: false,
  code,
});

interface CountedVote {
  readonly reviewer: string;
  readonly level: number;
  readonly at: number;
}

/** Yeses on exactly this digest, in time, for this review, admitted by the gate; oldest first. */
function countedVotes(request: ExecutionRequest, digest: Digest): readonly CountedVote[] {
  const { material, record } = request;
  const deadline = Math.min(
    material.expiresAt === null ? Infinity : Date.parse(material.expiresAt),
    request.ledgerExpiresAt ?? Infinity,
  );
  const counted: CountedVote[] = [];
  for (const { payload, payloadDigest } of request.decisions) {
    const at = Date.parse(payload.decidedAt);
    if (payload.reviewId !== material.reviewId || payload.deploymentId !== material.deploymentId) continue;
    if (!record.admitted.has(payloadDigest) || !(at <= deadline)) continue;
    const level = levelCarriedBy(payload, request, digest);
    if (level !== undefined) counted.push({ reviewer: payload.reviewer.id, level, at });
  }
  return counted.toSorted((a, b) => a.at - b.at);
}

/** When the votes were enough: later ones do not make an approval fresh again. Undefined: they are not enough. */
function carriedAt(
  levels: readonly Level[],
  separationOfDuties: boolean,
  votes: readonly CountedVote[],
  request: ExecutionRequest,
): number | undefined {
  return votes.find((_, last) => carries(levels, separationOfDuties, votes.slice(0, last + 1), request))?.at;
}

function levelCarriedBy(decision: DecisionPayload, request: ExecutionRequest, digest: Digest): number | undefined {
  const { material, previous } = request;
  if (decision.type === 'approve') {
    return decision.digest === digest && decision.revision === material.revision ? decision.level : undefined;
  }
  // An edit names the digest before it. Its yes counts only where the edit alone separates the two versions.
  if (decision.type !== 'edit' || previous === null || decision.editedArguments === undefined) return undefined;
  const follows =
    digestMaterial(previous) === decision.digest &&
    previous.revision === decision.revision &&
    material.revision === previous.revision + 1 &&
    material.tool === previous.tool &&
    !material.separationOfDuties &&
    sameJson(material.evidence?.sourceHash ?? null, previous.evidence?.sourceHash ?? null) &&
    sameJson(material.evidence?.facts ?? null, previous.evidence?.facts ?? null) &&
    sameJson(material.arguments, decision.editedArguments);
  return follows ? 1 : undefined;
}

/**
 * Do the votes fill every level? Groups come from the directory in force: someone removed since does not count. With
 * separation of duties no reviewer fills two seats, and neither the proposer nor its owner fills one.
 */
function carries(
  levels: readonly Level[],
  separationOfDuties: boolean,
  votes: readonly CountedVote[],
  request: ExecutionRequest,
): boolean {
  if (levels.length === 0) return false;
  const { material, settings, now } = request;
  const barred = new Set([material.proposer, material.owner, now.owner]);
  const eligible = (vote: CountedVote, level: Level, number: number): boolean => {
    if (vote.level !== number) return false;
    if (separationOfDuties && barred.has(vote.reviewer)) return false;
    return mayVote(level, votingGroupsOf(settings, vote.reviewer), vote.at);
  };
  const voters = levels.map((level, index) => ({
    quorum: level.quorum,
    people: new Set(votes.filter((vote) => eligible(vote, level, index + 1)).map((vote) => vote.reviewer)),
  }));
  return findUnfillable(voters, separationOfDuties).length === 0;
}

/** What the audit log says of a review's decisions. */
export interface RecordedDecisions {
  /** The gate let the call through without a decision. */
  readonly isFree: boolean;
  /** The version of the call that the gate was last at. */
  readonly revision: number;
  /** A no, or a request for changes that no new version has answered, stands against it. */
  readonly isBarred: boolean;
  /** Digests of the decision envelopes that the gate admitted. */
  readonly admitted: ReadonlySet<string>;
}

/**
 * Reads which decisions the gate admitted, and on which version it stands. A signature alone does not tell: an envelope
 * may have been signed and then refused (too late, a second vote, on a version that an edit had just replaced), and an
 * attacker who can read Temporal has that envelope too.
 */
export function readRecordedDecisions(entries: readonly AuditEntry[]): RecordedDecisions {
  let revision = 1;
  let isFree = false;
  let isBarred = false;
  const admitted = new Set<string>();
  for (const entry of entries) {
    switch (entry.type) {
      case 'decided':
        admitted.add(entry.envelopeDigest);
        isBarred ||= entry.decision === 'reject' || entry.decision === 'revise';
        break;
      case 'revised':
        revision = entry.revision;
        isBarred = false;
        break;
      case 'objected':
      case 'withdrawn':
      case 'expired':
      case 'aborted':
        isBarred = true;
        break;
      case 'classified':
        isFree = entry.status === 'not_required';
        break;
      case 'proposed':
      case 'notified':
      case 'started':
      case 'deferred':
      case 'finished':
      case 'unknown':
      case 'reconciled':
      case 'policy_changed':
      case 'restored':
      case 'frozen':
      case 'lifted':
        break;
      default:
        entry satisfies never;
    }
  }
  return { isFree, revision, isBarred, admitted };
}

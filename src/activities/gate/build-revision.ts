import type { Evidence } from '../../contract/call.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { Material } from '../../contract/review.ts';
import { deadlineOf, NO_SCHEDULE, scheduleOf } from '../../domain/deadline.ts';
import { levelsOf, type Assessment } from '../../domain/policy/assess.ts';
import { digestMaterial } from '../../domain/proof/digest.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import type { ClassifiedRevision } from '../api.ts';

export interface RevisionInput {
  readonly reviewId: string;
  readonly revision: number;
  readonly kind: Material['kind'];
  readonly proposer: string;
  readonly owner: string | null;
  readonly service: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly settings: Settings;
  /** Epoch ms; deadline and escalation count from here. */
  readonly startedAt: number;
  /** Epoch ms, or null: a deadline that this revision may only shorten. */
  readonly notAfter: number | null;
}

/** One revision of the call out of its assessment: the digest's material and what goes with it. */
export function buildRevision(input: RevisionInput, assessment: Assessment, wantsPreview: boolean): ClassifiedRevision {
  const held = assessment.kind === 'held' ? assessment.approval : null;
  const expiresAt = held === null ? input.notAfter : deadlineOf(held, input.startedAt, input.notAfter);
  const material = materialOf(input, {
    context: assessment.context,
    target: assessment.kind === 'blocked' ? null : assessment.target,
    class: assessment.class ?? 'irreversible',
    levels: held === null ? [] : levelsOf(held, input.startedAt),
    separationOfDuties: held?.separationOfDuties ?? false,
    expiresAt,
    evidence: null,
    ...(assessment.kind === 'blocked' && assessment.withhold ? { arguments: {} } : {}),
  });
  return {
    material,
    digest: wantsPreview ? null : digestMaterial(material),
    gate: assessment.gate,
    reasonCodes: assessment.override ? [...assessment.reasonCodes, 'override'] : assessment.reasonCodes,
    schedule: held === null || expiresAt === null ? NO_SCHEDULE : scheduleOf(held, input.startedAt, expiresAt),
    wantsPreview,
    override: assessment.override,
  };
}

type VariablePart = Pick<Material, 'context' | 'target' | 'class' | 'levels' | 'separationOfDuties' | 'evidence'> & {
  readonly expiresAt: number | null;
  readonly arguments?: JsonObject;
};

export function materialOf(input: RevisionInput, part: VariablePart): Material {
  return {
    schemaVersion: 1,
    deploymentId: input.settings.deploymentId,
    reviewId: input.reviewId,
    revision: input.revision,
    kind: input.kind,
    proposer: input.proposer,
    owner: input.owner,
    service: input.service,
    tool: input.tool,
    arguments: part.arguments ?? input.arguments,
    target: part.target,
    evidence: part.evidence,
    context: part.context,
    class: part.class,
    levels: part.levels,
    separationOfDuties: part.separationOfDuties,
    expiresAt: part.expiresAt === null ? null : new Date(part.expiresAt).toISOString(),
    policyDigest: input.settings.policy.digest,
  };
}

/** The same revision with the evidence that came for it. */
export function withEvidence(material: Material, evidence: Evidence | null): { material: Material; digest: string } {
  const complete: Material = { ...material, evidence };
  return { material: complete, digest: digestMaterial(complete) };
}

/**
 * A row that was open before (a reset, a second start) keeps the deadline it had, where that is earlier. `kept`: ISO
 * 8601, of the ledger.
 */
export function keepEarlierDeadline(revision: ClassifiedRevision, kept: string | null): ClassifiedRevision {
  const { expiresAt } = revision.material;
  if (kept === null || expiresAt === null || Date.parse(kept) >= Date.parse(expiresAt)) return revision;
  const material = { ...revision.material, expiresAt: kept };
  return { ...revision, material, digest: revision.digest === null ? null : digestMaterial(material) };
}

import { NO_SCHEDULE } from '../../domain/deadline.ts';
import { assessCall, findTool } from '../../domain/policy/assess.ts';
import { findAgent } from '../../domain/policy/settings.ts';
import { digestMaterial, digestOf } from '../../domain/proof/digest.ts';
import type { PreparedRevision, PrepareRevisionInput, WithEvidence } from '../api.ts';
import type { GateDeps } from './deps.ts';
import { buildRevision, withEvidence } from './build-revision.ts';
import type { Material } from '../../contract/review.ts';

/**
 * Other arguments of the same tool, judged as if proposed anew by the same proposer. Once held stays held: where the
 * new arguments alone would not need a decision, the approval in force for them is asked for all the same.
 */
export function prepareRevision(deps: Pick<GateDeps, 'settings'>, input: PrepareRevisionInput): PreparedRevision {
  const settings = deps.settings.current();
  const { previous } = input;
  const revisionInput = {
    reviewId: previous.reviewId,
    revision: previous.revision + 1,
    kind: previous.kind,
    proposer: previous.proposer,
    owner: previous.owner,
    service: previous.service,
    tool: previous.tool,
    arguments: input.arguments,
    settings,
    startedAt: input.startedAt,
    notAfter: previous.expiresAt === null ? null : Date.parse(previous.expiresAt),
  } as const;
  const agent = input.attested ? findAgent(settings, previous.proposer) : undefined;
  if (input.attested && agent === undefined) return { ok: false };
  const assessment = assessCall({
    service: previous.service,
    tool: previous.tool,
    arguments: input.arguments,
    context: previous.context,
    proposer:
      agent === undefined
        ? { attested: false, id: previous.proposer, owner: null }
        : { attested: true, id: agent.id, owner: agent.owner ?? null, agent },
    settings,
    stayHeld: true,
  });
  if (assessment.kind !== 'held') return { ok: false };
  const previewed = findTool(settings, previous.tool)?.preview !== undefined;
  return { ok: true, revision: buildRevision(revisionInput, assessment, input.attested && previewed) };
}

/** Another wording of an in-flow question: same people, same deadline, new digest. */
export function prepareQuestion(input: PrepareRevisionInput): PreparedRevision {
  const material: Material = {
    ...input.previous,
    revision: input.previous.revision + 1,
    arguments: input.arguments,
  };
  return {
    ok: true,
    revision: {
      material,
      digest: digestMaterial(material),
      gate: 'hard',
      reasonCodes: ['in_flow'],
      schedule: NO_SCHEDULE,
      wantsPreview: false,
      override: false,
    },
  };
}

/**
 * Reads back what the execute worker signed about this very revision. A missing, forged or foreign envelope means no
 * evidence: the call is then gated without a preview.
 */
export async function attachEvidence(
  deps: Pick<GateDeps, 'store' | 'verifier'>,
  input: { readonly material: Material },
): Promise<WithEvidence> {
  const { material } = input;
  const envelope = await deps.store.readEvidence(material.reviewId, material.revision);
  const verified = envelope === undefined ? undefined : deps.verifier.verify('evidence', envelope);
  const payload = verified?.payload;
  const isOurs =
    payload !== undefined &&
    payload.reviewId === material.reviewId &&
    payload.deploymentId === material.deploymentId &&
    payload.revision === material.revision &&
    payload.previewOf === previewDigest(material);
  if (!isOurs) {
    return {
      ...withEvidence(material, null),
      previewError: { code: 'preview_unavailable', message: 'The execute worker did not gather evidence in time' },
    };
  }
  return { ...withEvidence(material, payload.evidence), previewError: payload.error };
}

/** What a preview was made of. */
export function previewDigest(material: Pick<Material, 'tool' | 'arguments' | 'target'>): string {
  return digestOf({ tool: material.tool, arguments: material.arguments, target: material.target });
}

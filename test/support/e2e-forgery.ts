import type { ExecuteCallInput } from '../../src/activities/api.ts';
import type { DsseEnvelope } from '../../src/contract/envelope.ts';
import type { ExecuteRequest } from '../../src/contract/execute.ts';
import { levelSchema, type Material, type Review } from '../../src/contract/review.ts';
import { digestBytes, digestMaterial } from '../../src/domain/proof/digest.ts';
import { specOf } from '../../src/domain/gate/state.ts';
import { signEnvelope } from '../../src/domain/proof/dsse.ts';
import type { Snapshot } from '../../src/workflows/review-run.ts';
import { DEPLOYMENT_ID } from './e2e-deployment.ts';
import type { World } from './e2e-world.ts';

/** What a digest is taken over, from what everybody may read. */
export function materialOf(review: Review): Material {
  return {
    schemaVersion: 1,
    deploymentId: review.deploymentId,
    reviewId: review.reviewId,
    revision: review.revision,
    kind: review.kind,
    proposer: review.proposer.id,
    owner: review.proposer.owner,
    service: review.call.service,
    tool: review.call.tool,
    arguments: review.call.arguments ?? {},
    target: review.target,
    evidence: review.evidence[0] ?? null,
    context: review.context,
    class: review.class ?? 'irreversible',
    levels: review.levels.map((level) => levelSchema.strip().parse(level)),
    separationOfDuties: review.separationOfDuties,
    expiresAt: review.expiresAt,
    policyDigest: review.policyDigest ?? '',
  };
}

/** What a hostile worker would have a call made with: the call as it is shown, and no decision. */
export function inputFor(review: Review, proposal: DsseEnvelope | undefined): ExecuteCallInput {
  return {
    reviewId: review.reviewId,
    material: materialOf(review),
    previous: null,
    proposal: proposal ?? null,
    decisions: [],
  };
}

/** The state that a pending review would carry over to its next run; `material`: what it would show instead. */
export function snapshotOf(
  review: Review,
  proposal: DsseEnvelope | undefined,
  material = materialOf(review),
): Snapshot {
  const digest = digestMaterial(material);
  const spec = specOf(material, digest, review.allowedDecisions);
  return {
    record: {
      base: {
        reviewId: review.reviewId,
        decisionId: review.decisionId,
        deploymentId: review.deploymentId,
        kind: review.kind,
        proposer: review.proposer,
        reason: review.reason,
        threadId: review.threadId,
        group: review.group,
        callback: review.callback,
        title: review.title,
        proposedAt: review.proposedAt,
        workflow: review.workflow,
      },
      revisions: [
        {
          material,
          digest,
          gate: review.gate,
          reasonCodes: review.reasonCodes,
          previewError: null,
          submittedAt: review.proposedAt,
          by: review.proposer.id,
          decisions: [],
        },
      ],
      gate: { tag: 'pending', spec, level: 1, votes: [] },
      ungated: null,
      allowed: review.allowedDecisions,
      execution: review.execution,
    },
    attested: review.proposer.attested,
    timeoutMs: 2_000,
    executeWithinMs: 3_600_000,
    startedAt: Date.parse(review.proposedAt),
    proposal: proposal ?? null,
    proposalDigest: proposal === undefined ? '' : digestBytes(Buffer.from(proposal.payload, 'base64')),
    previous: null,
    carrying: [],
    // Past: an escalation is recorded at once, and with it the whole state.
    schedule: { remindAt: [], escalateAt: 1 },
    receipts: [],
  };
}

/** The same snapshot, with a yes that nobody gave. */
export function approvedSnapshot(snapshot: Snapshot, carrying: readonly DsseEnvelope[]): Snapshot {
  const { gate } = snapshot.record;
  if (gate === null) throw new TypeError('no gate to approve');
  const by = { by: 'ops-1', comment: null, at: Date.now() };
  const approved = { tag: 'approved', spec: gate.spec, votes: [], ...by, answer: { kind: 'approve' } } as const;
  return { ...snapshot, carrying, record: { ...snapshot.record, gate: approved } };
}

/** A value of one review under the id of another. */
export function renamed<T>(value: T, reviewId: string): T {
  return JSON.parse(JSON.stringify(value).replaceAll(/rev_[0-9A-Z]{26}/g, reviewId)) as T;
}

/** A proposal signed with the key of the agent `service-1`, in whoever's name. */
export function signedByService(
  world: World,
  reviewId: string,
  request: ExecuteRequest,
  proposer = 'service-1',
): DsseEnvelope {
  const proposedAt = new Date().toISOString();
  const payload = { deploymentId: DEPLOYMENT_ID, reviewId, proposedAt, proposer, request };
  return signEnvelope('proposal', payload, world.deployment.serviceKey, proposer);
}

import { decisionIdOf } from '../../contract/ids.ts';
import { DECISION_TYPES } from '../../contract/review.ts';
import { assessCall, blockUnassessed, findTool, type Assessment } from '../../domain/policy/assess.ts';
import type { ReviewBase } from '../../domain/gate/view.ts';
import { callTimeoutMs, connectorTimeoutMs } from '../../domain/call-timeout.ts';
import { freezeVersionOf } from '../../domain/policy/frozen.ts';
import type { InForce, Settings } from '../../domain/policy/settings.ts';
import { upstreamChanges } from '../../domain/policy/upstreams.ts';
import type { Classified, ClassifyCallInput, ClassifiedRevision } from '../api.ts';
import { openReview, pauseIfLong, type Opening, type OpeningDeps } from './open-review.ts';
import { readProposal, type ReadProposal } from './proposal.ts';
import { buildRevision } from './prepare-revision.ts';

/** What a person may say to a call; `respond` belongs to in-flow questions. */
const CALL_DECISIONS = DECISION_TYPES.filter((type) => type !== 'respond');

/** Verifies the proposal, applies policy and opens the review. */
export async function classifyCall(deps: OpeningDeps, input: ClassifyCallInput): Promise<Classified> {
  const settings = deps.settings.current();
  const proposal = await readProposal(input, settings, deps.verifier, () =>
    deps.starterIdentity(input.reviewId, input.runId),
  );
  // Verifying a long one took a while: others in this process first.
  await pauseIfLong(proposal.envelope);
  return openReview(deps, openingOf(deps, input, proposal, settings));
}

function openingOf(deps: OpeningDeps, input: ClassifyCallInput, proposal: ReadProposal, settings: InForce): Opening {
  const { tool } = callOf(proposal);
  const definition = findTool(settings, tool);
  return {
    base: baseOf(input.reviewId, proposal, settings, {
      proposedAt: new Date(input.startedAt).toISOString(),
      workflow: {
        workflowId: input.reviewId,
        runId: input.runId,
        url: deps.workflowUrl(input.reviewId, input.runId),
      },
    }),
    proposal: proposal.envelope,
    proposalDigest: proposal.proposalDigest,
    allowed: CALL_DECISIONS,
    timeoutMs: callTimeoutMs(definition, connectorTimeoutMs(settings.connectors[definition?.connector ?? ''])),
    executeWithinMs: settings.executeWithinMs,
    freezes: {
      version: freezeVersionOf(settings),
      again: async () => openingOf(deps, input, proposal, await deps.settings.refresh()),
    },
    assess: (isOverLimit) => assessProposal(proposal, settings, isOverLimit),
    // A sensitive call that would run without a decision is held where its tool has had too many of them.
    isOverLimit: async ({ kind, class: callClass }) =>
      kind === 'free' &&
      callClass === 'sensitive' &&
      !(await deps.store.admitSensitive(tool, input.reviewId, settings.limits.sensitivePerToolPerHour)),
    revise: (assessment) => firstRevision(input, proposal, assessment, settings),
  };
}

/** Names with half characters have no canonical form; such a call is blocked, and still has to be recorded. */
function callOf({ request }: ReadProposal): { service: string; tool: string } {
  return {
    service: (request?.service ?? 'unknown').toWellFormed(),
    tool: (request?.tool ?? 'unknown.tool').toWellFormed(),
  };
}

/** What policy says of a proposal. Pure; may throw. */
export function assessProposal(proposal: ReadProposal, settings: InForce, overSensitiveLimit: boolean): Assessment {
  const { request, proposer } = proposal;
  if (request === null) return blockUnassessed('arguments_invalid', true);
  return assessCall({
    service: request.service,
    tool: request.tool,
    arguments: request.arguments,
    context: request.context ?? {},
    urgency: request.urgency,
    proposer,
    settings,
    overSensitiveLimit,
  });
}

/** The call as it was proposed. `startedAt`: epoch ms. */
export function firstRevision(
  input: Pick<ClassifyCallInput, 'reviewId' | 'startedAt'>,
  proposal: ReadProposal,
  assessment: Assessment,
  settings: Settings,
): ClassifiedRevision {
  const { request, proposer } = proposal;
  const { service, tool } = callOf(proposal);
  const previewed = findTool(settings, tool)?.preview !== undefined;
  return buildRevision(
    {
      reviewId: input.reviewId,
      revision: 1,
      kind: 'call',
      proposer: proposer.id,
      owner: proposer.owner,
      service,
      tool,
      arguments: request?.arguments ?? {},
      settings,
      startedAt: input.startedAt,
      notAfter: null,
    },
    assessment,
    // A preview is a risk of its own: only for what was signed.
    assessment.kind === 'held' && previewed && proposer.attested,
  );
}

export function baseOf(
  reviewId: string,
  proposal: ReadProposal,
  settings: InForce,
  start: Pick<ReviewBase, 'proposedAt' | 'workflow'>,
): ReviewBase {
  const { request, proposer } = proposal;
  const definition = findTool(settings, callOf(proposal).tool);
  const changes = definition === undefined ? undefined : upstreamChanges(settings, definition);
  return {
    ...(changes === undefined ? {} : { upstreamChanges: changes }),
    reviewId,
    decisionId: decisionIdOf(reviewId),
    deploymentId: settings.deploymentId,
    kind: 'call',
    proposer: { id: proposer.id, owner: proposer.owner, attested: proposer.attested },
    reason: request?.reason ?? null,
    urgency: (proposer.attested ? request?.urgency : undefined) ?? null,
    threadId: request?.threadId ?? null,
    group: request?.group ?? null,
    callback: request?.callback ?? null,
    title: null,
    ...start,
  };
}

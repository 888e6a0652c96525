import { decisionIdOf } from '../../contract/ids.ts';
import { approvalRequestSchema, IN_FLOW, type ApprovalRequest } from '../../contract/in-flow.ts';
import { blockUnassessed, type Assessment } from '../../domain/policy/assess.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import { membersOf } from '../../domain/eligibility.ts';
import type { ReviewBase } from '../../domain/gate/view.ts';
import { readTimes } from '../../domain/policy/conditions.ts';
import type { ApprovalPlan } from '../../domain/policy/policy.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import { wellFormed } from '../../domain/text/visible.ts';
import type { Classified, ClassifyQuestionInput } from '../api.ts';
import { openReview, type OpeningDeps } from './open-review.ts';
import { hasCanonicalForm } from './proposal.ts';
import { buildRevision } from './prepare-revision.ts';

const DEFAULT_ALLOW = ['approve', 'reject'] as const;

/** Opens the gate for a question that a workflow asks in-flow. No call follows from it, whatever the answer. */
export async function classifyQuestion(deps: OpeningDeps, input: ClassifyQuestionInput): Promise<Classified> {
  const settings = deps.settings.current();
  // What has no canonical form cannot be asked: no digest could be taken of it, so it could not be approved.
  const isJson = hasCanonicalForm(input.request);
  const request = isJson ? (approvalRequestSchema.safeParse(input.request).data ?? null) : null;
  const proposer = await proposerOf(deps, input);
  return openReview(deps, {
    base: baseOf(deps, input, request, proposer, settings),
    proposal: null,
    proposalDigest: digestOf({ proposer, request }),
    allowed: request?.allow ?? DEFAULT_ALLOW,
    timeoutMs: 0,
    executeWithinMs: 0,
    assess: () => assessQuestion(request, settings),
    revise: (assessment) =>
      buildRevision(
        {
          ...IN_FLOW,
          reviewId: input.reviewId,
          revision: 1,
          kind: 'in-flow',
          proposer,
          owner: null,
          arguments: request?.proposal ?? {},
          settings,
          startedAt: input.startedAt,
          notAfter: null,
        },
        assessment,
        false,
      ),
  });
}

function assessQuestion(request: ApprovalRequest | null, settings: Settings): Assessment {
  const plan = request === null ? undefined : planOf(request, settings);
  const context = request?.context ?? {};
  if (plan === undefined) return { ...blockUnassessed('arguments_invalid', false), context };
  return {
    context,
    fired: [],
    override: false,
    kind: 'held',
    gate: 'hard',
    class: 'irreversible',
    reasonCodes: ['in_flow'],
    target: { connector: IN_FLOW.service, request: null },
    approval: plan,
  };
}

/** The approval that a question asks for; undefined where too few people could give it. */
function planOf(request: ApprovalRequest, settings: Settings): ApprovalPlan | undefined {
  const levels =
    request.levels ??
    (request.approvers === undefined ? undefined : [{ name: 'approval', approvers: request.approvers, quorum: 1 }]);
  if (levels === undefined) return undefined;
  const canBePassed = levels.every(
    ({ approvers, quorum }) => membersOf(approvers, settings.reviewers).length >= quorum,
  );
  if (!canBePassed) return undefined;
  return {
    levels,
    separationOfDuties: request.separationOfDuties ?? false,
    ...readTimes(request),
    emailDecision: 'sign-in',
    slackDecision: 'sign-in',
    // The workflow that asks knows what it asks again.
    reproposal: 'ask',
    match: 'in-flow',
  };
}

/** The workflow that asks, or, for a gate that was started by itself, its starter. */
async function proposerOf(deps: OpeningDeps, input: ClassifyQuestionInput): Promise<string> {
  const id =
    input.parent === null
      ? `temporal:${await deps.starterIdentity(input.reviewId, input.runId)}`
      : `workflow:${input.parent.workflowId}`;
  return wellFormed(id.slice(0, 255));
}

function baseOf(
  deps: OpeningDeps,
  input: ClassifyQuestionInput,
  request: ApprovalRequest | null,
  proposer: string,
  settings: Settings,
): ReviewBase {
  return {
    reviewId: input.reviewId,
    decisionId: decisionIdOf(input.reviewId),
    deploymentId: settings.deploymentId,
    kind: 'in-flow',
    proposer: { id: proposer, owner: null, attested: false },
    reason: request?.reason ?? null,
    threadId: request?.threadId ?? null,
    group: request?.group ?? null,
    callback: null,
    title: request?.title ?? null,
    proposedAt: new Date(input.startedAt).toISOString(),
    workflow: { workflowId: input.reviewId, runId: input.runId, url: deps.workflowUrl(input.reviewId, input.runId) },
  };
}

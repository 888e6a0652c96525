import { decisionIdOf } from '../../contract/ids.ts';
import { IN_FLOW, type ApprovalRequest } from '../../contract/in-flow.ts';
import type { Json } from '../../contract/json.ts';
import { blockUnassessed, type Assessment } from '../../domain/policy/assess.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import type { ReviewBase } from '../../domain/gate/view.ts';
import { readTimes } from '../../domain/policy/conditions.ts';
import { checkQuestion, levelsOf, readQuestion } from '../../domain/policy/check-question.ts';
import type { ArgumentError } from '../../contract/exact.ts';
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
  const { question: request, errors } = hasCanonicalForm(input.request)
    ? readQuestion(input.request as Json)
    : { question: null, errors: [{ pointer: '', message: 'the question holds what JSON cannot carry exactly' }] };
  const proposer = await proposerOf(deps, input);
  return openReview(deps, {
    base: baseOf(deps, input, request, proposer, settings),
    proposal: null,
    proposalDigest: digestOf({ proposer, request }),
    allowed: request?.allow ?? DEFAULT_ALLOW,
    timeoutMs: 0,
    executeWithinMs: 0,
    assess: () => assessQuestion(request, errors, settings),
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

function assessQuestion(
  question: ApprovalRequest | null,
  unreadable: readonly ArgumentError[],
  settings: Settings,
): Assessment {
  const context = question?.context ?? {};
  const levels = question === null ? undefined : levelsOf(question);
  const errors = question === null ? unreadable : checkQuestion(question, settings);
  if (question === null || levels === undefined || errors.length > 0) {
    return { ...blockUnassessed('arguments_invalid', false), context, errors };
  }
  return {
    context,
    fired: [],
    override: false,
    kind: 'held',
    gate: 'hard',
    class: 'irreversible',
    reasonCodes: ['in_flow'],
    target: { connector: IN_FLOW.service, request: null },
    approval: {
      levels,
      separationOfDuties: question.separationOfDuties ?? false,
      ...readTimes(question),
      emailDecision: 'sign-in',
      slackDecision: 'sign-in',
      // The workflow that asks knows what it asks again.
      reproposal: 'ask',
      selectedBy: { source: 'in-flow', reads: [] },
    },
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

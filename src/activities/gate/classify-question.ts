import type { ReasonCode } from '../../contract/codes.ts';
import { DRILL } from '../../contract/constants.ts';
import type { DsseEnvelope } from '../../contract/envelope.ts';
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
import { drillProposer, questionOfDrill } from '../../domain/drill.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import type { Classified, ClassifyQuestionInput } from '../api.ts';
import { openReview, type OpeningDeps } from './open-review.ts';
import { hasCanonicalForm } from './proposal.ts';
import { buildRevision } from './prepare-revision.ts';
import { verifyOwn } from '../own-envelope.ts';

const DEFAULT_ALLOW = ['approve', 'reject'] as const;

/** Opens the gate for a question that a workflow asks in-flow, or for a drill. No call follows, whatever the answer. */
export async function classifyQuestion(deps: OpeningDeps, input: ClassifyQuestionInput): Promise<Classified> {
  const settings = deps.settings.current();
  const asked = readDrill(deps, input, settings) ?? (await readInFlow(deps, input));
  const { question, proposer, proposalDigest, names } = asked;
  return openReview(deps, {
    base: baseOf(deps, input, asked, settings),
    proposal: null,
    drill: asked.drill,
    proposalDigest,
    allowed: question?.allow ?? DEFAULT_ALLOW,
    timeoutMs: 0,
    executeWithinMs: 0,
    assess: () => assessQuestion(asked, settings),
    revise: (assessment) =>
      buildRevision(
        {
          ...names,
          reviewId: input.reviewId,
          revision: 1,
          kind: 'in-flow',
          proposer: proposer.id,
          owner: proposer.owner,
          arguments: question?.proposal ?? {},
          settings,
          startedAt: input.startedAt,
          notAfter: null,
        },
        assessment,
        false,
      ),
  });
}

/** A question, and who asks it. */
interface Asked {
  readonly question: ApprovalRequest | null;
  readonly errors: readonly ArgumentError[];
  readonly proposer: ReviewBase['proposer'];
  readonly proposalDigest: string;
  readonly names: typeof IN_FLOW | typeof DRILL;
  readonly reasonCode: Extract<ReasonCode, 'in_flow' | 'drill'>;
  /** The signed request for a drill. */
  readonly drill?: DsseEnvelope;
}

/**
 * A drill, where this very review was signed as one, and no workflow waits for its answer. Undefined otherwise: a question
 * that merely says so has a key that no question may have.
 */
function readDrill(
  { verifier }: Pick<OpeningDeps, 'verifier'>,
  { request, reviewId, parent }: ClassifyQuestionInput,
  settings: Settings,
): Asked | undefined {
  if (!isJsonObject(request as Json) || parent !== null) return undefined;
  const { drill, ...rest } = request as { readonly drill?: unknown };
  if (drill === undefined || Object.keys(rest).length > 0) return undefined;
  const verified = verifyOwn(verifier, 'drill', drill, { reviewId, deploymentId: settings.deploymentId });
  if (verified === undefined) return undefined;
  const { payload, payloadDigest } = verified;
  const { id } = payload.reviewer;
  return {
    question: questionOfDrill(payload, settings.reviewers),
    errors: [],
    proposer: { id: drillProposer(id), owner: id, attested: true },
    proposalDigest: payloadDigest,
    names: DRILL,
    reasonCode: 'drill',
    drill: drill as DsseEnvelope,
  };
}

async function readInFlow(deps: OpeningDeps, input: ClassifyQuestionInput): Promise<Asked> {
  // What has no canonical form cannot be asked: no digest could be taken of it, so it could not be approved.
  const read = hasCanonicalForm(input.request)
    ? readQuestion(input.request as Json)
    : { question: null, errors: [{ pointer: '', message: 'the question holds what JSON cannot carry exactly' }] };
  const id = await proposerOf(deps, input);
  return {
    ...read,
    proposer: { id, owner: null, attested: false },
    proposalDigest: digestOf({ proposer: id, request: read.question }),
    names: IN_FLOW,
    reasonCode: 'in_flow',
  };
}

function assessQuestion({ question, errors: unreadable, names, reasonCode }: Asked, settings: Settings): Assessment {
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
    reasonCodes: [reasonCode],
    target: { connector: names.service, request: null },
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
  return id.slice(0, 255).toWellFormed();
}

function baseOf(
  deps: OpeningDeps,
  input: ClassifyQuestionInput,
  { question: request, proposer }: Asked,
  settings: Settings,
): ReviewBase {
  return {
    reviewId: input.reviewId,
    decisionId: decisionIdOf(input.reviewId),
    deploymentId: settings.deploymentId,
    kind: 'in-flow',
    proposer,
    reason: request?.reason ?? null,
    threadId: request?.threadId ?? null,
    group: request?.group ?? null,
    callback: null,
    title: request?.title ?? null,
    proposedAt: new Date(input.startedAt).toISOString(),
    workflow: { workflowId: input.reviewId, runId: input.runId, url: deps.workflowUrl(input.reviewId, input.runId) },
  };
}

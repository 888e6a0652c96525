import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditEntry } from '../../contract/audit.ts';
import { decisionIdOf } from '../../contract/ids.ts';
import { DECISION_TYPES, NOT_STARTED } from '../../contract/review.ts';
import type { LedgerTransition } from '../../domain/ledger.ts';
import type { Commit } from '../../ports/store.ts';
import { assessCall, findTool, type Assessment } from '../../domain/policy/assess.ts';
import { summarizeCall } from '../../domain/gate/describe.ts';
import { viewReview, type ReviewBase } from '../../domain/gate/view.ts';
import { openGate, specOf } from '../../domain/gate/state.ts';
import { outcomeOf } from '../../domain/outcome.ts';
import { durationMs } from '../../contract/policy.ts';
import type { InForce, Settings } from '../../domain/policy/settings.ts';
import type { Classified, ClassifyCallInput, ClassifiedRevision } from '../api.ts';
import { classifiedEntry, proposedEntry } from '../../domain/gate/change.ts';
import { wellFormed } from '../../domain/text/visible.ts';
import { openReview, refuseOpening, type OpeningDeps, type OpeningRefusal } from './open-review.ts';
import { readProposal, type ReadProposal } from './proposal.ts';
import { keepEarlierDeadline, buildRevision } from './build-revision.ts';

/** What a person may say to a call; `respond` belongs to in-flow questions. */
const CALL_DECISIONS = DECISION_TYPES.filter((type) => type !== 'respond');

const DEFAULT_TIMEOUT_MS = 30_000;
/** Characters of an envelope that are many. */
const LONG = 32 * 1024;

/**
 * Verifies the proposal, applies policy and writes the first record of a review: its ledger row (open, or denied at
 * once), the entries `proposed` and, unless evidence is still to come, `classified`, and the row that people see.
 */
export async function classifyCall(deps: OpeningDeps, input: ClassifyCallInput): Promise<Classified> {
  const settings = deps.settings.current();
  const proposal = await readProposal(input, settings, deps.verifier, () =>
    deps.starterIdentity(input.reviewId, input.runId),
  );
  // Verifying a long one took a while: others in this process first.
  if ((proposal.envelope?.payload.length ?? 0) > LONG) await nextTurn();
  const { draft, result } = await openReview(deps, {
    reviewId: input.reviewId,
    proposer: proposal.proposer.id,
    draft: (refusal, isOverLimit) => draftCall(deps, input, proposal, settings, { refusal, isOverLimit }),
    // A sensitive call that would run without a decision is held where its tool has had too many of them.
    isOverLimit: async ({ kind, class: callClass }) =>
      kind === 'free' &&
      callClass === 'sensitive' &&
      !(await deps.store.admitSensitive(
        callOf(proposal).tool,
        input.reviewId,
        settings.limits.sensitivePerToolPerHour,
      )),
  });
  const { assessment, revision, base, allowed } = draft;
  const { row } = result;
  if (row === null || row.proposalDigest !== proposal.proposalDigest)
    return { kind: 'refused', reasonCode: 'review_id_taken' };
  const definition = findTool(settings, callOf(proposal).tool);
  const held = keepEarlierDeadline(revision, row.expiresAt);
  return {
    kind: assessment.kind,
    base,
    revision: held,
    allowed,
    proposal: proposal.envelope,
    proposalDigest: proposal.proposalDigest,
    summary: summarizeCall(revision.material),
    timeoutMs: definition?.timeout === undefined ? DEFAULT_TIMEOUT_MS : durationMs(definition.timeout),
    executeWithinMs: settings.executeWithinMs,
    // Blocked now is no news of a row that was settled before: the ledger tells what became of it.
    outcome: row.state === 'open' || (result.ok && assessment.kind === 'blocked') ? null : outcomeOf(row),
    reopened: !result.ok || held !== revision,
  };
}

function draftCall(
  deps: OpeningDeps,
  input: ClassifyCallInput,
  proposal: ReadProposal,
  settings: InForce,
  { refusal, isOverLimit }: { readonly refusal: OpeningRefusal | null; readonly isOverLimit: boolean },
) {
  const judge = (): Assessment => assess(proposal, settings, isOverLimit);
  const assessment = refusal === null ? judge() : refuseOpening(refusal, judge);
  const isWithheld = assessment.kind === 'blocked' && assessment.withhold;
  const revision = firstRevision(input, proposal, assessment, settings);
  const base = baseOf(deps, input, proposal, settings);
  const allowed = assessment.kind === 'held' ? CALL_DECISIONS : [];
  const at = new Date(deps.clock.now()).toISOString();
  const entries: AuditEntry[] = [proposedEntry(base, revision, proposal.proposalDigest, at)];
  if (!revision.wantsPreview) entries.push(classifiedEntry(base, revision, statusOf(assessment), at));
  const review = viewReview({
    base,
    revisions: [{ ...revision, previewError: null, submittedAt: base.proposedAt, by: base.proposer.id, decisions: [] }],
    gate:
      assessment.kind === 'held' && revision.digest !== null
        ? openGate(specOf(revision.material, revision.digest, allowed))
        : null,
    ungated: assessment.kind === 'held' ? null : { status: UNGATED[assessment.kind], at },
    allowed,
    execution: NOT_STARTED,
  });
  const commit: Commit = {
    key: `open:${input.reviewId}:${proposal.proposalDigest}:${revision.digest ?? ''}`,
    ledger: transitionOf(input, proposal, assessment, revision, at),
    entries,
    review: {
      kind: 'state',
      review,
      // A service that signs for itself may have signed what it should have sealed.
      envelopes: proposal.envelope === null || isWithheld ? [] : [{ kind: 'proposal', envelope: proposal.envelope }],
      materials: [revision.material],
    },
  };
  return { assessment, revision, base, allowed, commit };
}

/** Names with half characters have no canonical form; such a call is blocked, and still has to be recorded. */
function callOf({ request }: ReadProposal): { service: string; tool: string } {
  return { service: wellFormed(request?.service ?? 'unknown'), tool: wellFormed(request?.tool ?? 'unknown.tool') };
}

function assess(proposal: ReadProposal, settings: InForce, overSensitiveLimit: boolean): Assessment {
  const { request, proposer } = proposal;
  if (request === null) {
    return {
      kind: 'blocked',
      class: null,
      gate: null,
      reasonCodes: ['arguments_invalid'],
      errors: [],
      withhold: true,
      context: {},
      fired: [],
      override: false,
    };
  }
  return assessCall({
    service: request.service,
    tool: request.tool,
    arguments: request.arguments,
    context: request.context ?? {},
    proposer,
    settings,
    overSensitiveLimit,
  });
}

function firstRevision(
  input: ClassifyCallInput,
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
    // A preview is a risk of its own: only for what somebody signed.
    assessment.kind === 'held' && previewed && proposer.attested,
  );
}

function baseOf(deps: OpeningDeps, input: ClassifyCallInput, proposal: ReadProposal, settings: Settings): ReviewBase {
  const { request, proposer } = proposal;
  return {
    reviewId: input.reviewId,
    decisionId: decisionIdOf(input.reviewId),
    deploymentId: settings.deploymentId,
    kind: 'call',
    proposer: { id: proposer.id, owner: proposer.owner, attested: proposer.attested },
    reason: request?.reason ?? null,
    threadId: request?.threadId ?? null,
    group: request?.group ?? null,
    callback: request?.callback ?? null,
    title: null,
    proposedAt: new Date(input.startedAt).toISOString(),
    workflow: {
      workflowId: input.reviewId,
      runId: input.runId,
      url: deps.workflowUrl(input.reviewId, input.runId),
    },
  };
}

function transitionOf(
  input: ClassifyCallInput,
  proposal: ReadProposal,
  assessment: Assessment,
  revision: ClassifiedRevision,
  at: string,
): LedgerTransition {
  const { reviewId } = input;
  const { proposalDigest } = proposal;
  return assessment.kind === 'blocked'
    ? { to: 'deny', reviewId, proposalDigest, reason: assessment.reasonCodes[0] ?? 'policy_error', at }
    : { to: 'open', reviewId, proposalDigest, at, expiresAt: revision.material.expiresAt };
}

const UNGATED = { free: 'not_required', blocked: 'blocked' } as const;

function statusOf(assessment: Assessment): 'pending' | 'not_required' | 'blocked' {
  return assessment.kind === 'held' ? 'pending' : UNGATED[assessment.kind];
}

import { asyncLocalStorage } from '@temporalio/activity';
import { authorizeFree } from '../../domain/authorize/authorize-free.ts';
import { classifiedEntry, proposedEntry } from '../../domain/gate/change.ts';
import { viewReview } from '../../domain/gate/view.ts';
import type { LedgerRow } from '../../domain/ledger.ts';
import { executionOf } from '../../domain/outcome.ts';
import { findTool } from '../../domain/policy/assess.ts';
import { freezeVersionOf } from '../../domain/policy/frozen.ts';
import type { InForce } from '../../domain/policy/settings.ts';
import { StorageError, type CommitResult } from '../../ports/store.ts';
import type { ClassifiedRevision, ExecuteFreeInput, FreeResult } from '../api.ts';
import { assessProposal, baseOf, firstRevision } from '../gate/classify-call.ts';
import { pauseIfLong } from '../gate/open-review.ts';
import { verifyProposal, type ReadProposal } from '../gate/proposal.ts';
import { refuse } from '../refuse.ts';
import { openSealed, type AuthorizedCall } from './authorize-call.ts';
import { newClaim, type ClaimedCall } from './claim-call.ts';
import { heartbeating, type ExecuteDeps } from './deps.ts';
import { assertLogIntact } from './execute-call.ts';
import { recordResult, startedEntry } from './record-result.ts';
import { sendCall, waitToResend } from './send-call.ts';

const BEAT_MS = 1_000;

/**
 * Makes a call that policy frees, without a workflow: verifies the proposal, classifies it by this worker's own files,
 * opens and claims its ledger row in one commit, sends, and records the result. It never sends twice, never defers, and
 * touches no row that is there already: what it leaves unfinished, `gatedCall` settles under the same id.
 *
 * Runs as a standalone activity, or is called directly by the api in one process. Anyone who reaches Temporal can start
 * it with any input, so only what the propose key signed counts.
 *
 * @throws ApplicationFailure `standalone_only`, `foreign_review`, `not_authorized`; StorageError. Then nothing was sent.
 */
export function createFreeExecution(deps: ExecuteDeps): (given: ExecuteFreeInput) => Promise<FreeResult> {
  return (given) => heartbeating(BEAT_MS, () => executeFree(deps, given));
}

/** What is about to be made. */
interface FreeCall extends AuthorizedCall {
  readonly proposal: ReadProposal;
  readonly revision: ClassifiedRevision;
  readonly settings: InForce;
}

async function executeFree(deps: ExecuteDeps, given: ExecuteFreeInput): Promise<FreeResult> {
  const { proposal, settings } = readInput(deps, given);
  const { reviewId } = proposal;
  await pauseIfLong(proposal.envelope);
  const answer = (status: FreeResult['status']): FreeResult => ({ status, reviewId });
  await assertLogIntact(deps);
  let call = await authorize(deps, proposal, settings);
  let claimed = call && (await beginCall(deps, call));
  if (claimed === 'outdated') {
    // Operators froze or lifted something since this worker last looked.
    call = await authorize(deps, proposal, await deps.settings.refresh());
    claimed = call && (await beginCall(deps, call));
  }
  if (call === undefined || claimed === undefined || claimed === 'outdated') return answer('not_free');
  if (typeof claimed === 'string') return answer(claimed);
  const { material } = call.revision;
  const result = await sendCall(call, material.evidence, claimed, { resend: false });
  // The target knows the key: the call is sent again by `gatedCall`.
  if (waitToResend(call.tool, claimed.row, result, deps.clock.now()) !== null) return answer('executing');
  await recordResult(deps, { reviewId, material }, claimed.row, result, [...call.connector.secrets(), ...call.opened]);
  return answer(result.status);
}

/** Refuses what is called in the wrong place, or under another id than that of the review. */
function readInput(deps: ExecuteDeps, given: ExecuteFreeInput) {
  const info = asyncLocalStorage.getStore()?.info;
  if (info !== undefined && (info.inWorkflow || info.isLocal)) throw refuse('standalone_only');
  const settings = deps.settings.current();
  const proposal = verifyProposal({ request: given }, settings, deps.verifier);
  if (proposal === undefined) throw refuse('not_authorized');
  if (info !== undefined && info.activityId !== proposal.reviewId) throw refuse('foreign_review');
  return { proposal, settings };
}

/** Classifies the call and opens what is sealed. Undefined: it is not free here and now. */
async function authorize(deps: ExecuteDeps, proposal: ReadProposal, settings: InForce): Promise<FreeCall | undefined> {
  const { direct, reviewId } = proposal;
  const at = deps.clock.now();
  try {
    const assessment = authorizeFree({ direct, settings, assessment: assessProposal(proposal, settings, false), at });
    if (assessment === undefined) return undefined;
    const { target } = assessment;
    const startedAt = Date.parse(proposal.proposedAt ?? '');
    const revision = firstRevision({ reviewId, startedAt }, proposal, assessment, settings);
    const tool = findTool(settings, revision.material.tool);
    const connector = deps.connector(target.connector);
    if (tool === undefined || connector === undefined || revision.digest === null) return undefined;
    return {
      tool,
      class: assessment.class,
      digest: revision.digest,
      staleAt: null,
      levels: [],
      policyDigest: settings.policy.digest,
      freezeVersion: freezeVersionOf(settings),
      target,
      connector,
      ...(await openSealed(deps, revision.material, settings, tool)),
      proposal,
      revision,
      settings,
    };
  } catch {
    // What cannot be classified or opened is refused, and the refusal recorded, by the workflow.
    return undefined;
  }
}

/** Opens and claims the ledger row and records what it is for, all or nothing. A row that is there already stays as it is. */
async function beginCall(deps: ExecuteDeps, call: FreeCall): Promise<ClaimedCall | 'taken' | 'not_free' | 'outdated'> {
  const { proposal, revision, settings } = call;
  const { reviewId, proposalDigest, proposer, proposedAt, envelope } = proposal;
  const base = baseOf(reviewId, proposal, settings, { proposedAt: proposedAt ?? '', workflow: null });
  const claim = newClaim(deps, reviewId, call);
  const { at } = claim;
  const row: LedgerRow = {
    reviewId,
    state: 'claimed',
    proposalDigest,
    openedAt: at,
    isDirect: true,
    expiresAt: null,
    denial: null,
    claim,
    deferral: null,
    outcome: null,
    reconciliation: null,
    objections: 0,
  };
  const { material } = revision;
  const review = viewReview({
    base,
    revisions: [{ ...revision, previewError: null, submittedAt: base.proposedAt, by: proposer.id, decisions: [] }],
    gate: null,
    ungated: { status: 'not_required', at },
    allowed: [],
    execution: executionOf(row),
  });
  let result: CommitResult;
  try {
    result = await deps.store.commit({
      ledger: { to: 'begin', reviewId, proposalDigest, ...claim, freezeVersion: call.freezeVersion },
      entries: [
        proposedEntry(base, revision, proposalDigest, at),
        classifiedEntry(base, revision, 'not_required', at),
        startedEntry(deps, { material }, call, { resend: false }),
      ],
      review: {
        kind: 'state',
        review,
        envelopes: envelope === null ? [] : [{ kind: 'proposal', envelope }],
        materials: [material],
      },
    });
  } catch (error) {
    // What cannot be stored is blocked, and that recorded, by the workflow.
    if (error instanceof StorageError && error.code === 'write_refused') return 'not_free';
    throw error;
  }
  if (!result.ok) return result.why === 'outdated' ? 'outdated' : 'taken';
  return { row, sendBy: Date.parse(claim.sendBy) };
}

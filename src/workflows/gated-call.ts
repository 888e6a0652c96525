import { ApplicationFailure, condition, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { DsseEnvelope } from '../contract/envelope.ts';
import type { Review } from '../contract/review.ts';
import { drainSignals, processBatch } from './admission.ts';
import { continueOptions, runReview } from './gate-loop.ts';
import { openFromLedger, openHeld, openInvalid, ReviewRun, type Snapshot } from './review-run.ts';
import { gatherEvidence } from './revisions.ts';
import { awaitReconciliation, executeUntilSettled } from './execution.ts';
import type { Inbox } from './inbox.ts';
import { activities } from './local.ts';
import { boundRequest, type GatedCallInput } from './messages.ts';

/**
 * The request path: classify → gate → execute → record. Started by the api, or by any service itself with workflow id
 * `rev_<ULID>` and the body of `POST /v1/execute` as its argument. `carried` is set by continue-as-new alone.
 *
 * @throws ApplicationFailure `review_id_taken`: another proposal has this review id already; `review_id_invalid`.
 */
export async function gatedCall(request: GatedCallInput, carried?: Snapshot): Promise<Review> {
  return runReview(
    carried,
    (inbox) => openCall(request, inbox),
    async (run, isTimeToContinue) => {
      if (isTimeToContinue) return continueAsNew(request, run);
      if (isToExecute(run)) {
        await executeWhileAnswering(run);
        const isUnknown = run.record.execution.status === 'outcome_unknown';
        if (isUnknown && (await awaitReconciliation(run)) === 'continue') return continueAsNew(request, run);
      }
      await drainSignals(run);
      return run.review();
    },
  );
}

/** The review as policy opened it; with its evidence, where the tool has a preview. */
async function openCall(request: GatedCallInput, inbox: Inbox): Promise<ReviewRun> {
  const info = workflowInfo();
  const startedAt = info.startTime.getTime();
  const { workflowId: reviewId, runId } = info;
  const opened = await activities.classifyCall({ reviewId, runId, startedAt, request: boundRequest(request) });
  if (opened.kind === 'refused') throw ApplicationFailure.nonRetryable(opened.reasonCode, opened.reasonCode);
  // The activity has verified it, and says so without sending it back: of a long call it is half of the history.
  const proposal = opened.base.proposer.attested ? copyEnvelope(request.proposal) : null;
  const run = ReviewRun.open(opened, startedAt, inbox, proposal);
  if (opened.outcome !== null) {
    await openFromLedger(run, opened.outcome);
    return run;
  }
  switch (opened.kind) {
    case 'held': {
      const { revision } = opened;
      const found = revision.wantsPreview ? await gatherEvidence(run, revision, null) : null;
      if (found?.previewError?.pointer === undefined) {
        await openHeld(run, revision, found, opened.reopened);
      } else if (!(await openInvalid(run, revision, found))) {
        await openFromLedger(run, await activities.readOutcome({ reviewId }));
      }
      return run;
    }
    case 'free':
    case 'blocked': {
      const status = opened.kind === 'free' ? 'not_required' : 'blocked';
      run.record = { ...run.record, ungated: { status, at: new Date(Date.now()).toISOString() } };
      return run;
    }
    default:
      return opened satisfies never;
  }
}

/** Field by field: what stands beside them in an argument may be long, and was not looked at. */
function copyEnvelope(envelope: DsseEnvelope | undefined): DsseEnvelope | null {
  if (envelope === undefined) return null;
  const { payload, payloadType, signatures } = envelope;
  return {
    payload,
    payloadType,
    signatures: signatures.map(({ keyid, sig }) => (keyid === undefined ? { sig } : { keyid, sig })),
  };
}

function isToExecute(run: ReviewRun): boolean {
  const status = run.record.ungated?.status ?? run.gate?.tag;
  const isSettled = ['executed', 'failed'].includes(run.record.execution.status);
  return (status === 'approved' || status === 'not_required') && !isSettled;
}

/** Late votes get their answer while the call is being made. */
async function executeWhileAnswering(run: ReviewRun): Promise<void> {
  const resolvedAt = run.gate?.tag === 'approved' ? run.gate.at : Date.now();
  const progress = { isSettled: false };
  const execution = executeUntilSettled(run, resolvedAt + run.executeWithinMs).finally(() => {
    progress.isSettled = true;
  });
  while (!progress.isSettled) {
    await condition(() => progress.isSettled || run.inbox.size > 0);
    if (run.inbox.size > 0) await processBatch(run);
  }
  await execution;
}

/** What was proposed is in the snapshot and not sent twice. */
async function continueAsNew({ service, tool }: GatedCallInput, run: ReviewRun): Promise<never> {
  const carry = makeContinueAsNewFunc<typeof gatedCall>(await continueOptions());
  return carry({ service, tool, arguments: {} }, run.snapshot());
}

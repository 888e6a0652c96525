import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import type { Review } from '../contract/review.ts';
import { processBatch } from './admission.ts';
import { watchCancellation } from './cancellation.ts';
import { boundRequest, closeDoor, openDoor } from './door.ts';
import { gatherEvidence } from './evidence.ts';
import { awaitReconciliation, executeUntilSettled } from './execution.ts';
import { runGate } from './gate-loop.ts';
import type { Inbox } from './inbox.ts';
import { gate } from './local.ts';
import type { GatedCallInput } from './messages.ts';
import { openFromLedger, openHeld } from './opening.ts';
import { Session, type Snapshot } from './session.ts';

/**
 * The request path: classify → gate → execute → record. Started by the api, or by any service itself with workflow id
 * `rev_<ULID>` and the body of `POST /v1/execute` as its argument. `carried` is set by continue-as-new alone.
 *
 * @throws ApplicationFailure `review_id_taken`: another proposal has this review id already; `review_id_invalid`.
 */
export async function gatedCall(request: GatedCallInput, carried?: Snapshot): Promise<Review> {
  const cancellation = watchCancellation();
  return CancellationScope.nonCancellable(async () => {
    let session: Session | undefined;
    const { inbox, snapshot } = openDoor(carried, () => session);
    session = snapshot === undefined ? await openCall(request, inbox) : new Session(snapshot, inbox);
    session.show();
    if (session.gate !== null) {
      const end = await runGate(session, cancellation);
      if (end === 'continue') return continueAsNew(request, session);
      if (end === 'superseded') await openFromLedger(session, await gate.readOutcome({ reviewId: session.reviewId }));
    }
    if (isToExecute(session)) {
      await executeWhileAnswering(session);
      if (
        session.record.execution.status === 'outcome_unknown' &&
        (await awaitReconciliation(session)) === 'continue'
      ) {
        return continueAsNew(request, session);
      }
    }
    await closeDoor(session);
    return session.review();
  });
}

/** The review as policy opened it; with its evidence, where the tool has a preview. */
async function openCall(request: GatedCallInput, inbox: Inbox): Promise<Session> {
  const info = workflowInfo();
  const startedAt = info.startTime.getTime();
  const { workflowId: reviewId, runId } = info;
  const opened = await gate.classifyCall({ reviewId, runId, startedAt, request: boundRequest(request) });
  if (opened.kind === 'refused') throw ApplicationFailure.nonRetryable(opened.reasonCode, opened.reasonCode);
  const session = Session.open(opened, startedAt, inbox);
  if (opened.outcome !== null) {
    await openFromLedger(session, opened.outcome);
    return session;
  }
  switch (opened.kind) {
    case 'held': {
      const found = opened.version.wantsPreview ? await gatherEvidence(session, opened.version, null) : null;
      await openHeld(session, opened.version, found, opened.reopened);
      return session;
    }
    case 'free':
    case 'blocked': {
      const status = opened.kind === 'free' ? 'not_required' : 'blocked';
      session.record = { ...session.record, ungated: { status, at: new Date(Date.now()).toISOString() } };
      return session;
    }
    default:
      return opened satisfies never;
  }
}

function isToExecute(session: Session): boolean {
  const status = session.record.ungated?.status ?? session.gate?.tag;
  const isSettled = ['executed', 'failed'].includes(session.record.execution.status);
  return (status === 'approved' || status === 'not_required') && !isSettled;
}

/** Late votes get their answer while the call is being made. */
async function executeWhileAnswering(session: Session): Promise<void> {
  const resolvedAt = session.gate?.tag === 'approved' ? session.gate.at : Date.now();
  const progress = { isSettled: false };
  const execution = executeUntilSettled(session, resolvedAt + session.executeWithinMs).finally(() => {
    progress.isSettled = true;
  });
  while (!progress.isSettled) {
    await condition(() => progress.isSettled || session.inbox.size > 0);
    if (session.inbox.size > 0) await processBatch(session);
  }
  await execution;
}

/** ◆ Memo and details do not survive by themselves. What was proposed is in the snapshot and not sent twice. */
async function continueAsNew({ service, tool }: GatedCallInput, session: Session): Promise<never> {
  await condition(allHandlersFinished);
  const { memo } = workflowInfo();
  const carry = makeContinueAsNewFunc<typeof gatedCall>(memo === undefined ? {} : { memo });
  return carry({ service, tool, arguments: {} }, session.snapshot());
}

import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import type { ApprovalDecision, ApprovalRequest } from '../contract/in-flow.ts';
import { watchCancellation } from './cancellation.ts';
import { boundQuestion, closeDoor, openDoor } from './door.ts';
import { runGate } from './gate-loop.ts';
import type { Inbox } from './inbox.ts';
import { gate } from './local.ts';
import { openFromLedger, openHeld } from './opening.ts';
import { Session, type Snapshot } from './session.ts';

/**
 * The in-flow door: a question with a deadline, decided through the same signals as a call. No call follows from it;
 * what the answer means is for the workflow that asked. `carried` is set by continue-as-new alone.
 *
 * @throws ApplicationFailure `review_id_taken`: another question has this review id already; `review_id_invalid`.
 */
export async function approvalGate(request: ApprovalRequest, carried?: Snapshot): Promise<ApprovalDecision> {
  const cancellation = watchCancellation();
  return CancellationScope.nonCancellable(async () => {
    let session: Session | undefined;
    const { inbox, snapshot } = openDoor(carried, () => session);
    session = snapshot === undefined ? await openQuestion(request, inbox) : new Session(snapshot, inbox);
    session.show();
    if (session.gate !== null) {
      const end = await runGate(session, cancellation);
      if (end === 'continue') return continueAsNew(request, session);
      if (end === 'superseded') await openFromLedger(session, await gate.readOutcome({ reviewId: session.reviewId }));
    }
    await closeDoor(session);
    return decisionOf(session);
  });
}

async function openQuestion(request: ApprovalRequest, inbox: Inbox): Promise<Session> {
  const info = workflowInfo();
  const startedAt = info.startTime.getTime();
  const parent = info.parent === undefined ? null : { workflowId: info.parent.workflowId };
  const { workflowId: reviewId, runId } = info;
  const question = boundQuestion(request);
  const opened = await gate.classifyQuestion({ reviewId, runId, startedAt, request: question, parent });
  if (opened.kind === 'refused') throw ApplicationFailure.nonRetryable(opened.reasonCode, opened.reasonCode);
  const session = Session.open(opened, startedAt, inbox);
  if (opened.outcome !== null) {
    await openFromLedger(session, opened.outcome);
  } else if (opened.kind === 'held') {
    await openHeld(session, opened.version, null, opened.reopened);
  } else {
    session.record = { ...session.record, ungated: { status: 'blocked', at: new Date(Date.now()).toISOString() } };
  }
  return session;
}

function decisionOf(session: Session): ApprovalDecision {
  const { reviewId, gate: state } = session;
  const { arguments: proposal } = session.current.material;
  switch (state?.tag) {
    case 'approved': {
      const { by, comment, answer } = state;
      if (answer.kind === 'respond') return { reviewId, type: 'respond', response: answer.response, by, comment };
      const edited = session.current.material.revision > 1;
      return { reviewId, type: edited ? 'edit' : 'approve', proposal, by, comment };
    }
    case 'rejected':
      return { reviewId, type: 'reject', by: state.by, comment: state.comment };
    case 'expired':
      return { reviewId, type: 'expired' };
    case 'withdrawn':
      return { reviewId, type: 'withdrawn' };
    case 'aborted':
    case 'pending':
    case 'changes_requested':
      return { reviewId, type: 'aborted' };
    case undefined:
      return session.record.ungated?.status === 'blocked'
        ? { reviewId, type: 'blocked', reasonCodes: session.current.reasonCodes }
        : { reviewId, type: 'aborted' };
    default:
      return state satisfies never;
  }
}

/** ◆ Memo and details do not survive by themselves. What was asked is in the snapshot and not sent twice. */
async function continueAsNew({ title }: ApprovalRequest, session: Session): Promise<never> {
  await condition(allHandlersFinished);
  const { memo } = workflowInfo();
  const carry = makeContinueAsNewFunc<typeof approvalGate>(memo === undefined ? {} : { memo });
  return carry({ title, proposal: {} }, session.snapshot());
}

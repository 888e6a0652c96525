import { ApplicationFailure, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { ApprovalDecision } from '../contract/in-flow.ts';
import type { ArgumentError } from '../contract/exact.ts';
import { continueOptions, runReview } from './gate-loop.ts';
import { drainSignals } from './admission.ts';
import { openFromLedger, openHeld, ReviewRun, type Snapshot } from './review-run.ts';
import { boundQuestion, type QuestionInput } from './messages.ts';
import type { Inbox } from './inbox.ts';
import { activities } from './local.ts';

/**
 * The in-flow path: a question with a deadline, decided through the same signals as a call. No call follows from it;
 * what the answer means is for the workflow that asked. `carried` is set by continue-as-new alone.
 *
 * @throws ApplicationFailure `review_id_taken`: another question has this review id already; `review_id_invalid`.
 */
export async function approvalGate(request: QuestionInput, carried?: Snapshot): Promise<ApprovalDecision> {
  let errors: readonly ArgumentError[] = [];
  return runReview(
    carried,
    async (inbox) => {
      const opened = await openQuestion(request, inbox);
      ({ errors } = opened);
      return opened.run;
    },
    async (run, isTimeToContinue) => {
      if (isTimeToContinue) return continueAsNew(run);
      await drainSignals(run);
      return decisionOf(run, errors);
    },
  );
}

interface Opened {
  readonly run: ReviewRun;
  /** What in the question does not let it be asked. */
  readonly errors: readonly ArgumentError[];
}

async function openQuestion(request: QuestionInput, inbox: Inbox): Promise<Opened> {
  const info = workflowInfo();
  const startedAt = info.startTime.getTime();
  const parent = info.parent === undefined ? null : { workflowId: info.parent.workflowId };
  const { workflowId: reviewId, runId } = info;
  const question = boundQuestion(request);
  const opened = await activities.classifyQuestion({ reviewId, runId, startedAt, request: question, parent });
  if (opened.kind === 'refused') throw ApplicationFailure.nonRetryable(opened.reasonCode, opened.reasonCode);
  const run = ReviewRun.open(opened, startedAt, inbox, null);
  if (opened.outcome !== null) {
    await openFromLedger(run, opened.outcome);
  } else if (opened.kind === 'held') {
    await openHeld(run, opened.revision, null, opened.reopened);
  } else {
    run.record = { ...run.record, ungated: { status: 'blocked', at: new Date(Date.now()).toISOString() } };
  }
  return { run, errors: opened.errors ?? [] };
}

function decisionOf(run: ReviewRun, errors: readonly ArgumentError[]): ApprovalDecision {
  const { reviewId, gate: state } = run;
  const { arguments: proposal } = run.current.material;
  switch (state?.tag) {
    case 'approved': {
      const { by, comment, answer } = state;
      if (answer.kind === 'respond') return { reviewId, type: 'respond', response: answer.response, by, comment };
      const edited = run.current.material.revision > 1;
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
      return run.record.ungated?.status === 'blocked'
        ? { reviewId, type: 'blocked', reasonCodes: run.current.reasonCodes, errors }
        : { reviewId, type: 'aborted' };
    default:
      return state satisfies never;
  }
}

/** What was asked is in the snapshot and not sent twice. */
async function continueAsNew(run: ReviewRun): Promise<never> {
  const carry = makeContinueAsNewFunc<typeof approvalGate>(await continueOptions());
  return carry({ title: run.record.base.title ?? '', proposal: {} }, run.snapshot());
}

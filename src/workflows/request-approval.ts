import {
  ChildWorkflowFailure,
  ParentClosePolicy,
  startChild,
  TerminatedFailure,
  uuid4,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import type { ApprovalDecision, ApprovalRequest } from '../contract/in-flow.ts';
import { summarize } from '../domain/gate/describe.ts';
import { ulidOf } from '../domain/ulid.ts';
import { APPROVAL_GATE, GATE_TASK_QUEUE } from './messages.ts';

// This runs inside workflows of others, whose histories replay it. What it commands (ids from `uuid4`, one child per
// question, in order) changes only behind `patched()`; test/replay/asking holds histories of every earlier way.

export type { ApprovalDecision, ApprovalRequest };

/** A question whose proposal has the type `P`; `P` must be a JSON object. */
export type ApprovalQuestion<P extends object> = Omit<ApprovalRequest, 'proposal'> & { readonly proposal: P };

/**
 * Asks people from inside any Temporal workflow and waits for the answer; without one by the deadline it is `expired`. It starts the
 * child workflow `approvalGate` on Holdpoint's own task queue, so the calling worker has nothing to register.
 *
 * Cancelling the scope that waits withdraws the question, and `withdrawn` is the answer. A question whose
 * workflow was terminated is `aborted`: not a person's no, and never a yes. What the answer means is the caller's affair: irreversible
 * calls belong in `gatedCall`, where the execute worker checks the decision again.
 */
export async function requestApproval<P extends object>(question: ApprovalQuestion<P>): Promise<ApprovalDecision<P>> {
  const reviewId = `rev_${ulidOf(Date.now(), uuid4())}`;
  const child = await startChild(APPROVAL_GATE, {
    workflowId: reviewId,
    taskQueue: GATE_TASK_QUEUE,
    args: [question],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    // ◆ Above 400 bytes the server refuses the start, and the workflow that asks would try for ever; so it would where a
    // title that is no text was thrown for here. What is wrong with a question, the answer says.
    staticSummary: typeof question.title === 'string' ? summarize(question.title) : '',
  });
  try {
    return (await child.result()) as ApprovalDecision<P>;
  } catch (error) {
    if (error instanceof ChildWorkflowFailure && error.cause instanceof TerminatedFailure) {
      return { reviewId, type: 'aborted' };
    }
    throw error;
  }
}

/** Answers of {@link requestApprovals}: the n-th is that of the n-th question, typed by its proposal. */
export type ApprovalDecisions<Q extends readonly ApprovalQuestion<object>[]> = {
  readonly [I in keyof Q]: ApprovalDecision<Q[I]['proposal']>;
};

/**
 * Asks several questions at once and waits for all answers, in the order of the questions. They show up as one group
 * (`group` of the options, or of a question where it names one; by default one made for this request). Each stands
 * alone: a no to one drops none of the others.
 */
export async function requestApprovals<const Q extends readonly ApprovalQuestion<object>[]>(
  questions: Q,
  options: { readonly group?: string } = {},
): Promise<ApprovalDecisions<Q>> {
  const group = options.group ?? `grp_${ulidOf(Date.now(), uuid4())}`;
  const decisions = await Promise.all(questions.map((question) => requestApproval({ group, ...question })));
  return decisions as unknown as ApprovalDecisions<Q>;
}

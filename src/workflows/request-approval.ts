import { ParentClosePolicy, startChild, uuid4, WorkflowIdReusePolicy } from '@temporalio/workflow';
import type { ApprovalDecision, ApprovalRequest } from '../contract/in-flow.ts';
import type { JsonObject } from '../contract/json.ts';
import { clip, escapeMarkdown } from '../core/gate/describe.ts';
import { ulidOf } from '../core/ulid.ts';
import { APPROVAL_GATE, GATE_TASK_QUEUE } from './messages.ts';

export type { ApprovalDecision };

/** A question whose proposal has the type `P`. */
export type ApprovalQuestion<P extends JsonObject> = Omit<ApprovalRequest, 'proposal'> & { readonly proposal: P };

/**
 * Asks people from inside any Temporal workflow and waits for the answer; silence is no (`expired`). It starts the
 * child workflow `approvalGate` on Holdpoint's own task queue, so the calling worker has nothing to register.
 *
 * Cancelling the scope that waits withdraws the question. What the answer means is the caller's affair: irreversible
 * calls belong in `gatedCall`, where the execute worker checks the decision again.
 */
export async function requestApproval<P extends JsonObject>(
  question: ApprovalQuestion<P>,
): Promise<ApprovalDecision<P>> {
  const child = await startChild(APPROVAL_GATE, {
    workflowId: `rev_${ulidOf(Date.now(), uuid4())}`,
    taskQueue: GATE_TASK_QUEUE,
    args: [question],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    // ◆ Above 400 bytes the server refuses the start, and the workflow that asks would try for ever.
    staticSummary: clip(escapeMarkdown(question.title), 400),
  });
  return (await child.result()) as ApprovalDecision<P>;
}

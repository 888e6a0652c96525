import { CancellationScope, condition, defineSignal, makeContinueAsNewFunc, setHandler } from '@temporalio/workflow';
import type { JsonObject } from '../../../src/contract/json.ts';
import {
  requestApproval,
  requestApprovals,
  type ApprovalDecision,
  type ApprovalQuestion,
} from '../../../src/workflows/request-approval.ts';

/** Workflows of somebody else, which know Holdpoint by `requestApproval` alone. */

export const giveUp = defineSignal('giveUp');

/** Asks and hands back what came. */
export async function asks(question: ApprovalQuestion<JsonObject>): Promise<ApprovalDecision> {
  return await requestApproval(question);
}

/** Asks several at once and hands back what came. */
export async function asksSeveral(
  questions: readonly ApprovalQuestion<JsonObject>[],
  group?: string,
): Promise<readonly ApprovalDecision[]> {
  return await requestApprovals(questions, group === undefined ? {} : { group });
}

/** Asks, and withdraws the question when told to; it carries on afterwards. */
export async function asksUntilToldOtherwise(question: ApprovalQuestion<JsonObject>): Promise<ApprovalDecision> {
  const scope = new CancellationScope();
  setHandler(giveUp, () => scope.cancel());
  return await scope.run(() => requestApproval(question));
}

/** Asks, does not wait for the answer, and ends when told to. */
export async function asksAndLeaves(question: ApprovalQuestion<JsonObject>): Promise<void> {
  let isOver = false;
  setHandler(giveUp, () => void (isOver = true));
  requestApproval(question).catch(() => undefined);
  await condition(() => isOver);
}

/** Continues as a workflow of Holdpoint's, with a state of its own making. */
export async function impersonates(type: string, taskQueue: string, args: readonly unknown[]): Promise<void> {
  await makeContinueAsNewFunc({ workflowType: type, taskQueue })(...args);
}

import { allHandlersFinished, ApplicationFailure, condition, setHandler, workflowInfo } from '@temporalio/workflow';
import { BODY_LIMITS, REVIEW_ID_PATTERN } from '../contract/constants.ts';
import { processBatch } from './admission.ts';
import { Inbox } from './inbox.ts';
import { getReview } from './messages.ts';
import type { Session, Snapshot } from './session.ts';

/**
 * What both doors open with: signals and the query answered from the first task on, and the state that an earlier run
 * carried over. `show` is asked for whenever somebody queries.
 *
 * @throws ApplicationFailure `review_id_invalid`: the workflow id is not `rev_<ULID>`.
 */
export function openDoor(
  carried: Snapshot | undefined,
  current: () => Session | undefined,
): { readonly inbox: Inbox; readonly snapshot: Snapshot | undefined } {
  const { workflowId } = workflowInfo();
  if (!REVIEW_ID_PATTERN.test(workflowId)) {
    throw ApplicationFailure.nonRetryable('review_id_invalid', 'review_id_invalid');
  }
  const snapshot = carriedBy(carried, workflowId);
  const inbox = new Inbox(workflowId, snapshot?.receipts ?? []);
  inbox.listen();
  setHandler(getReview, () => ({
    review: current()?.review() ?? null,
    receipts: Object.fromEntries(inbox.receipts),
  }));
  return { inbox, snapshot };
}

/**
 * Whoever starts a workflow can pass a second argument; only a run that continues another has one to take. A workflow
 * of somebody else's may continue as ours and forge it all the same: what it shows is then a lie, and nothing more,
 * because the execute worker trusts signatures and the record alone.
 */
function carriedBy(carried: Snapshot | undefined, workflowId: string): Snapshot | undefined {
  const isContinued = workflowInfo().continuedFromExecutionRunId !== undefined;
  return isContinued && carried?.record.base.reviewId === workflowId ? carried : undefined;
}

/**
 * A start can carry 2 MB, of which the review would be more than may be stored or queried. What stands beside the
 * envelope is as long as the body of `POST /v1/execute` may be, or is not looked at.
 */
export function boundRequest(request: unknown): unknown {
  if (typeof request !== 'object' || request === null) return null;
  const { proposal, ...rest } = request as { readonly proposal?: unknown };
  return fits(rest) ? request : { proposal };
}

/** The same for a question, which nobody signs: there `proposal` is what is asked. */
export function boundQuestion(question: unknown): unknown {
  return typeof question === 'object' && question !== null && fits(question) ? question : null;
}

function fits(value: object): boolean {
  return new TextEncoder().encode(JSON.stringify(value)).length <= BODY_LIMITS.call;
}

/** Late votes get their answer before the workflow ends. */
export async function closeDoor(session: Session): Promise<void> {
  const { inbox } = session;
  do {
    while (inbox.size > 0) await processBatch(session);
    await condition(allHandlersFinished);
  } while (inbox.size > 0);
}

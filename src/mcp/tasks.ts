import type { CallToolResult, Task } from '@modelcontextprotocol/sdk/types.js';
import { ErrorCode, McpError, RELATED_TASK_META_KEY } from '@modelcontextprotocol/sdk/types.js';
import { ProblemError } from '../api/index.ts';
import { principalKey } from '../api/principal.ts';
import { reviewIdSchema } from '../contract/ids.ts';
import type { Review } from '../contract/review.ts';
import { waitsWords, whyItWaits } from '../domain/deferral.ts';
import { isFinal, STATUS } from '../domain/lifecycle.ts';
import { reviewResult } from './call.ts';
import type { McpRequest } from './request.ts';
import { showWords } from './result.ts';
import { withdraw } from '../api/service/propose-side.ts';
import { getReview, listReviews } from '../api/service/read.ts';

/** A result can be asked for this long after the last moment at which it can come about, ms. */
const KEPT_AFTER_MS = 24 * 3_600_000;
const POLL_MS = 5_000;
/** How long it can take until a key that is no longer in force is noticed. */
const WAIT_SECONDS = 10;

/**
 * A review as a task: its id is the review's, so the handle exists exactly where the review does, and means something to
 * its proposer alone. While people decide it is `working`: nothing is wanted of the agent's own client.
 */
export function taskOf(request: McpRequest, review: Review): Task {
  const { reviewId, proposedAt, resolvedAt, expiresAt, execution } = review;
  const { executeWithinMs } = request.context.settings.current();
  return {
    taskId: reviewId,
    status: isFinal(review) ? STATUS[review.status].task : 'working',
    statusMessage: messageOf(review),
    createdAt: proposedAt,
    lastUpdatedAt: execution.finishedAt ?? execution.startedAt ?? resolvedAt ?? proposedAt,
    ttl: expiresAt === null ? null : Date.parse(expiresAt) - Date.parse(proposedAt) + executeWithinMs + KEPT_AFTER_MS,
    pollInterval: POLL_MS,
  };
}

/** The same in the words of the extension. */
export function extensionTaskOf(request: McpRequest, review: Review): Record<string, unknown> {
  const { ttl, pollInterval, ...task } = taskOf(request, review);
  return { ...task, ttlMs: ttl, pollIntervalMs: pollInterval };
}

/** What the extension answers to `tasks/get`: the task, and its result once there is one. */
export function detailedTaskOf(request: McpRequest, review: Review): Record<string, unknown> {
  const task = extensionTaskOf(request, review);
  const result = task['status'] === 'completed' ? { result: reviewResult(request, review) } : {};
  return { resultType: 'complete', ...task, ...result };
}

/** The review of a task id. Another agent's handle is as unknown as one that never was. */
export async function readTask(
  { context, principal, caller }: McpRequest,
  taskId: string,
  waitSeconds = 0,
): Promise<Review> {
  const reviewId = reviewIdSchema.safeParse(taskId);
  if (!reviewId.success) throw unknownTask();
  try {
    return await getReview(context, principal, reviewId.data, { waitSeconds, signal: caller.signal });
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'not_found') throw unknownTask();
    throw error;
  }
}

/**
 * Held until the task has ended, as the core protocol wants it; a caller that goes away ends the waiting alone. It may be
 * a day, so it counts as an open stream does, and ends with the agent's key.
 */
export async function taskResult(request: McpRequest, taskId: string, signal: AbortSignal): Promise<CallToolResult> {
  const { slots, isInForce } = request.parts;
  const release = slots.take(principalKey(request.principal));
  try {
    while (await isInForce(request.principal)) {
      const review = await readTask(request, taskId, WAIT_SECONDS);
      if (isFinal(review)) return { ...reviewResult(request, review), _meta: { [RELATED_TASK_META_KEY]: { taskId } } };
      if (signal.aborted || request.caller.signal.aborted)
        throw new McpError(ErrorCode.ConnectionClosed, 'Still waiting');
    }
    throw new ProblemError('unauthenticated');
  } finally {
    release();
  }
}

/** Cancelling is withdrawing. Undefined: it has ended, or is being made, and stays what it is. */
export async function cancelTask(request: McpRequest, taskId: string): Promise<Review | undefined> {
  const { reviewId } = await readTask(request, taskId);
  const { context, principal, caller } = request;
  try {
    const settled = await withdraw(context, principal, reviewId, caller);
    return settled.httpStatus === 200 ? settled.review : await readTask(request, taskId, 2);
  } catch (error) {
    if (error instanceof ProblemError && ['already_resolved', 'expired'].includes(error.code)) return undefined;
    throw error;
  }
}

export async function listTasks(
  request: McpRequest,
  cursor: string | undefined,
): Promise<{ readonly tasks: Task[]; readonly nextCursor?: string }> {
  const { context, principal } = request;
  const page = await listReviews(context, principal, { limit: 20, ...(cursor === undefined ? {} : { cursor }) });
  const tasks: Task[] = [];
  for (const { reviewId } of page.reviews) tasks.push(taskOf(request, await readTask(request, reviewId)));
  return { tasks, ...(page.nextCursor === null ? {} : { nextCursor: page.nextCursor }) };
}

/** What is wanted of the proposer is said here: to a client that polls, `working` alone would say that nothing is. */
function messageOf({ status, execution, feedback }: Review): string {
  if (status === 'changes_requested') {
    const words = feedback === null ? '' : `: ${showWords(feedback.comment)}`;
    return `A reviewer asks for changes; send other arguments with holdpoint_revise${words}`;
  }
  const [waits] = whyItWaits(execution);
  if (waits !== undefined) return `${status}, ${waitsWords(waits)}: ${showWords(waits.message)}`;
  return execution.status === 'not_started' ? status : `${status}, ${execution.status}`;
}

function unknownTask(): McpError {
  return new McpError(ErrorCode.InvalidParams, 'Unknown task');
}

import { ApplicationFailure, asyncLocalStorage } from '@temporalio/activity';

/**
 * Lets a review's own workflow alone use an activity, and only as a local activity.
 *
 * A worker takes every activity that it knows from its task queue, whether our workflows schedule it there or not. So
 * whoever reaches Temporal could schedule `record` from a workflow of their own and have the gate worker write what they
 * like. Local activities do not come through the server: asking for one means being the workflow that runs here.
 */
export function guard<I, O>(
  run: (input: I) => Promise<O>,
  reviewsOf: (input: I) => readonly unknown[],
): (input: I) => Promise<O> {
  return async (input) => {
    // No context: not called through Temporal at all.
    const info = asyncLocalStorage.getStore()?.info;
    if (info !== undefined) {
      if (!info.isLocal) throw refuse('local_only');
      const own = info.workflowExecution?.workflowId;
      if (own === undefined || !reviewsOf(input).every((reviewId) => reviewId === own)) throw refuse('foreign_review');
    }
    return run(input);
  };
}

function refuse(code: 'local_only' | 'foreign_review'): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message: code, nonRetryable: true });
}

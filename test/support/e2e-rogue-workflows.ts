import {
  ActivityFailure,
  ApplicationFailure,
  makeContinueAsNewFunc,
  proxyActivities,
  proxyLocalActivities,
  workflowInfo,
} from '@temporalio/workflow';

/** What a hostile worker runs in the place of ours. It knows what the test tells it, through its own local activity. */
export interface RogueTry {
  readonly activity: string;
  readonly taskQueue: string;
  readonly input: unknown;
}
export interface RogueActivities {
  plan(workflowId: string, request: unknown): Promise<readonly RogueTry[]>;
}
const { plan } = proxyLocalActivities<RogueActivities>({ startToCloseTimeout: '5s' });

/** Schedules what it likes as ordinary activities and claims that all went well. Resolves with what came of each. */
export async function gatedCall(request: unknown): Promise<unknown> {
  const tries = await plan(workflowInfo().workflowId, request);
  return Promise.all(
    tries.map(async ({ activity, taskQueue, input }) => {
      const activities = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
        taskQueue,
        startToCloseTimeout: '10s',
        scheduleToCloseTimeout: '15s',
        retry: { maximumAttempts: 1 },
      });
      try {
        await activities[activity]?.(input);
        return `${activity}: done`;
      } catch (error) {
        const cause = error instanceof ActivityFailure ? error.cause : error;
        return `${activity}: ${cause instanceof ApplicationFailure ? cause.type : 'failed'}`;
      }
    }),
  );
}

/** Continues as one of ours, which then believes that it carries on from a run of its own. */
export async function becomeGatedCall(request: unknown, snapshot: unknown): Promise<never> {
  const carry = makeContinueAsNewFunc({ workflowType: 'gatedCall', taskQueue: 'holdpoint-gate' });
  return carry(request, snapshot);
}

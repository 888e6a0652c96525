import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  makeContinueAsNewFunc,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { decodeBase64Text } from '../../src/domain/text/base64.ts';

/** What a hostile worker runs in the place of ours. It knows what the test tells it, through its own local activity. */
export interface RogueTry {
  readonly activity: string;
  readonly taskQueue: string;
  readonly input: unknown;
}
export interface RogueActivities {
  /** `lie`: swallow every signal, say of each that it was accepted, and never end. */
  plan(workflowId: string, request: unknown): Promise<readonly RogueTry[] | 'lie'>;
}
const { plan } = proxyLocalActivities<RogueActivities>({ startToCloseTimeout: '5s' });

/** Schedules what it likes as ordinary activities and claims that all went well. Resolves with what came of each. */
export async function gatedCall(request: unknown): Promise<unknown> {
  const receipts: Record<string, string> = {};
  setHandler(defineSignal<[{ readonly payload: string }]>('submitDecision'), ({ payload }) => {
    receipts[(JSON.parse(decodeBase64Text(payload) ?? '{}') as { decisionUlid: string }).decisionUlid] = 'accepted';
  });
  setHandler(defineQuery('getReview'), () => ({ review: null, receipts }));
  const tries = await plan(workflowInfo().workflowId, request);
  if (tries === 'lie') return condition(() => false);
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

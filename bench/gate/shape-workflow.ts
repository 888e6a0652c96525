import {
  condition,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/messages.ts';

/**
 * What a hard gate asks of Temporal, and nothing of what it does: three local activities with results of the usual
 * size, one search attribute, the call on a task queue of its own. It is the most that any implementation of the
 * contract could reach.
 */
export const decide = defineSignal<[string]>('decide');

const { echo } = proxyLocalActivities<{ echo(size: number): Promise<string> }>({ startToCloseTimeout: '1s' });
const { makeCall } = proxyActivities<{ makeCall(input: string): Promise<string> }>({
  taskQueue: 'shape-execute',
  startToCloseTimeout: '30s',
  heartbeatTimeout: '10s',
  retry: { maximumAttempts: 1 },
});

export async function shapeOfGate(_proposal: string): Promise<string> {
  let decision: string | undefined;
  setHandler(decide, (said) => {
    decision = said;
  });
  // classify
  await echo(2_400);
  await condition(() => decision !== undefined, '24h');
  // admit and record
  await echo(700);
  upsertSearchAttributes([{ key: SEARCH_ATTRIBUTES.status, value: 'approved' }]);
  await makeCall('x'.repeat(2_000));
  // read the outcome back
  await echo(380);
  return 'x'.repeat(2_300);
}

import { continueAsNew, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { NotifyActivities } from '../activities/notify/index.ts';
import { GATE_TASK_QUEUE } from './messages.ts';

const activities = proxyActivities<NotifyActivities>({
  taskQueue: GATE_TASK_QUEUE,
  startToCloseTimeout: '2m',
  // Of a worker that was killed.
  heartbeatTimeout: '15s',
  // Never given up by Temporal: a target that is down for days is tried again for days, and adds nothing to this history.
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  summary: 'tell',
});

/** A wait is cut into pieces: what an activity answers may be forged, and something may have come up. */
const LONGEST_WAIT_MS = 60_000;
const SHORTEST_WAIT_MS = 100;
/** Events of history after which a run continues as new. */
const LONG_HISTORY = 1_000;

/**
 * Tells one destination what waits for it, in order, and ends when nothing does; the gate worker starts it again when
 * something comes. It holds no state: what waits, and what was told, is in the database.
 */
export async function deliverNotices(destination: string): Promise<void> {
  for (;;) {
    const run = await activities.deliverNotices({ destination });
    if (run.kind === 'idle') return;
    if (run.kind === 'wait') {
      const ms = Math.min(Math.max(run.ms, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
      await sleep(ms, { summary: 'not more often than people want' });
    }
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    if (continueAsNewSuggested || historyLength > LONG_HISTORY) await continueAsNew(destination);
  }
}

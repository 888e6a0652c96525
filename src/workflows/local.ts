import { ActivityFailure, isCancellation, proxyLocalActivities, sleep } from '@temporalio/workflow';
import type { GateActivities } from '../activities/api.ts';

/**
 * The gate's activities run locally: short, one attempt, not to be completed from outside. A failure means "not yet":
 * the database or the worker is away, and the workflow asks again.
 */
const local = proxyLocalActivities<GateActivities>({
  startToCloseTimeout: '1s',
  scheduleToCloseTimeout: '5s',
  retry: { maximumAttempts: 1 },
});

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

async function untilDone<T>(run: () => Promise<T>): Promise<T> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      await sleep(wait, { summary: 'trying again' });
    }
  }
}

export const gate = {
  classifyCall: (...args: Parameters<GateActivities['classifyCall']>) => untilDone(() => local.classifyCall(...args)),
  classifyQuestion: (...args: Parameters<GateActivities['classifyQuestion']>) =>
    untilDone(() => local.classifyQuestion(...args)),
  prepareRevision: (...args: Parameters<GateActivities['prepareRevision']>) =>
    untilDone(() => local.prepareRevision(...args)),
  attachEvidence: (...args: Parameters<GateActivities['attachEvidence']>) =>
    untilDone(() => local.attachEvidence(...args)),
  admit: (...args: Parameters<GateActivities['admit']>) => untilDone(() => local.admit(...args)),
  record: (...args: Parameters<GateActivities['record']>) => untilDone(() => local.record(...args)),
  readOutcome: (...args: Parameters<GateActivities['readOutcome']>) => untilDone(() => local.readOutcome(...args)),
} satisfies Partial<GateActivities>;

import { isCancellation, proxyLocalActivities, sleep, TemporalFailure } from '@temporalio/workflow';
import type { GateActivities } from '../activities/api.ts';
import { noteHistory } from './history.ts';

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
/** Within the first minutes; then a twentieth of the outage so far, up to the last. */
const SHORT_CAP_MS = 10_000;
const LONG_CAP_MS = 600_000;

/**
 * The wait (ms) after an outage of so long, `doubled` being twice the last one. ◆ Every try costs six events of history.
 * At a fixed ten seconds an outage of a day would fill it (51,200 events), and the server would terminate the review; so
 * the longer it lasts, the rarer the tries.
 */
function waitAfter(outageMs: number, doubled: number): number {
  return Math.min(doubled, Math.max(SHORT_CAP_MS, outageMs / 20), LONG_CAP_MS);
}

async function untilDone<T>(run: () => Promise<T>): Promise<T> {
  const since = Date.now();
  for (let wait = FIRST_WAIT_MS; ; wait *= 2) {
    try {
      return await run();
    } catch (error) {
      // ◆ A local activity that threw comes as a bare ApplicationFailure, not inside an ActivityFailure; passed on, it
      // would fail the workflow for good.
      if (!(error instanceof TemporalFailure) || isCancellation(error)) throw error;
      wait = waitAfter(Date.now() - since, wait);
      await sleep(wait, { summary: 'trying again' });
      noteHistory();
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

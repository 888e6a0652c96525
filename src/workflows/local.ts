import { isCancellation, proxyLocalActivities, sleep, TemporalFailure, workflowInfo } from '@temporalio/workflow';
import type { GateActivities } from '../activities/api.ts';

/** Beyond this many events a run continues as new, where the server does not ask for it earlier. */
const LONG_HISTORY = 4_000;

/** Each workflow has its own: the sandbox loads modules for every workflow anew. */
let isLong = false;

/**
 * Looks how long the history is. ◆ Only where a signal or a timer has just begun a workflow task: a local activity may
 * end in a later task than the one it began in, where it is replayed in the first, and then the server's advice to
 * continue as new is seen at another place (`Timer machine does not handle this event`).
 */
export function noteHistory(): void {
  const info = workflowInfo();
  isLong ||= info.continueAsNewSuggested || info.historyLength > LONG_HISTORY;
}

export function isHistoryLong(): boolean {
  return isLong;
}

/** What each of the gate's activities is for, in the Temporal Web UI. */
const SUMMARY: Readonly<Record<keyof GateActivities, string>> = {
  classifyCall: 'Apply the policy, and record the proposal',
  classifyQuestion: 'Check the question, and record it',
  prepareRevision: 'Apply the policy to the changed call',
  attachEvidence: 'Read the evidence back',
  admit: 'Verify what was signed; record a single vote',
  record: 'Write to the audit log and the ledger',
  readOutcome: 'Ask the ledger what became of the call',
};

/**
 * The gate's activities run locally: short, one attempt, not to be completed from outside. A failure means "not yet":
 * the database or the worker is away, and the workflow asks again.
 */
const OPTIONS = {
  startToCloseTimeout: '1s',
  scheduleToCloseTimeout: '5s',
  retry: { maximumAttempts: 1 },
} as const;

/** Each has options of its own, for its summary. */
const local = Object.fromEntries(
  Object.entries(SUMMARY).map(([name, summary]) => [name, proxyLocalActivities({ ...OPTIONS, summary })[name]]),
) as unknown as GateActivities;

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
      await sleep(wait, { summary: 'Waiting to try again: the database or a worker is away' });
      noteHistory();
    }
  }
}

/** The gate's activities, asked again until they answer. */
export const activities = new Proxy(local, {
  get: (target, name: keyof GateActivities) => (input: never) => untilDone<unknown>(() => target[name](input)),
});

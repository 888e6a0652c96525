import { workflowInfo } from '@temporalio/workflow';

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

/**
 * The execute worker's activities: the only code that uses credentials. `execute-call.ts` reads from top to bottom in the
 * order in which a call is made: authorize (`authorize-call.ts`), claim (`claim-call.ts`), send, and record what came of it
 * (`record-result.ts`). `execute-free.ts` does the same for a call without a workflow. Refusals are in `deps.ts`. Evidence
 * for reviewers is gathered by `gather-evidence.ts`.
 */
import { asyncLocalStorage } from '@temporalio/activity';
import type { DirectActivities, ExecuteActivities } from '../api.ts';
import { refuse } from '../refuse.ts';
import type { ExecuteDeps } from './deps.ts';
import { createCallExecution } from './execute-call.ts';
import { createFreeExecution } from './execute-free.ts';
import { gatherEvidence } from './gather-evidence.ts';

export type { ExecuteDeps } from './deps.ts';

/** The execute worker's activities over their dependencies; register them on `holdpoint-execute`. */
export function createExecuteActivities(deps: ExecuteDeps): ExecuteActivities {
  return {
    gatherEvidence: workflowOnly((input) => gatherEvidence(deps, input)),
    executeCall: workflowOnly(createCallExecution(deps)),
  };
}

/** The activity of calls without a workflow; register it on `holdpoint-direct`, which has slots of its own. */
export function createDirectActivities(deps: ExecuteDeps): DirectActivities {
  return { executeFree: createFreeExecution(deps) };
}

/** Anyone with access to the namespace can start any registered activity by itself, from the Web UI for one. */
function workflowOnly<I>(run: (input: I) => Promise<void>): (input: I) => Promise<void> {
  return async (input) => {
    const info = asyncLocalStorage.getStore()?.info;
    if (info !== undefined && !info.inWorkflow) throw refuse('workflow_only');
    return run(input);
  };
}

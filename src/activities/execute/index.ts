/**
 * The execute worker's activities: the only code that uses credentials. `execute-call.ts` reads from top to bottom in the
 * order in which a call is made: authorize (`authorize-call.ts`), claim (`claim-call.ts`), send, and record what came of it
 * (`record-result.ts`). Refusals are in `deps.ts`. Evidence for reviewers is gathered by `gather-evidence.ts`.
 */
import type { ExecuteActivities } from '../api.ts';
import type { ExecuteDeps } from './deps.ts';
import { createCallExecution } from './execute-call.ts';
import { gatherEvidence } from './gather-evidence.ts';

export type { ExecuteDeps } from './deps.ts';

/** The execute worker's activities over their dependencies; register them on `holdpoint-execute`. */
export function createExecuteActivities(deps: ExecuteDeps): ExecuteActivities {
  return { gatherEvidence: (input) => gatherEvidence(deps, input), executeCall: createCallExecution(deps) };
}

import type { ExecuteActivities } from '../api.ts';
import type { ExecuteDeps } from './deps.ts';
import { executeCall, type InFlight } from './execute-call.ts';
import { gatherEvidence } from './gather-evidence.ts';

export type { ExecuteDeps } from './deps.ts';

/** The execute worker's activities over their dependencies; register them on `holdpoint-execute`. */
export function createExecuteActivities(deps: ExecuteDeps): ExecuteActivities {
  const inFlight: InFlight = { attempts: new Map(), claiming: new Map(), resends: new Map() };
  return {
    gatherEvidence: (input) => gatherEvidence(deps, input),
    executeCall: (input) => executeCall(deps, inFlight, input),
  };
}

import type { GateActivities } from '../api.ts';
import { admit } from './admit.ts';
import { classifyCall } from './classify-call.ts';
import { classifyQuestion } from './classify-question.ts';
import type { GateDeps } from './deps.ts';
import { notify, readOutcome, record } from './record.ts';
import { attachEvidence, prepareQuestion, prepareRevision } from './revision.ts';

export type { GateDeps } from './deps.ts';

/** The gate worker's activities over their dependencies; register them on `holdpoint-gate`. */
export function createGateActivities(deps: GateDeps): GateActivities {
  return {
    classifyCall: (input) => classifyCall(deps, input),
    classifyQuestion: (input) => classifyQuestion(deps, input),
    prepareRevision: async (input) => (input.question ? prepareQuestion(input) : prepareRevision(deps, input)),
    attachEvidence: (input) => attachEvidence(deps, input),
    admit: async (input) => admit(deps, input),
    record: (input) => record(deps, input),
    readOutcome: (input) => readOutcome(deps, input),
    notify: (input) => notify(deps, input),
  };
}

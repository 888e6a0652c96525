import type { Explanation, ExplainRequest } from '../../contract/api.ts';
import type { Principal } from '../principal.ts';
import { argumentErrors, assessForAgent } from './assess.ts';
import type { ServiceContext } from './context.ts';
import { refuseSealed } from './sealing.ts';

/** What policy says of a call, as if this principal proposed it. Runs nothing and records nothing. */
export function explain(
  context: Pick<ServiceContext, 'settings'>,
  principal: Principal,
  request: ExplainRequest,
): Explanation {
  refuseSealed(request.arguments, request.context);
  const settings = context.settings.current();
  const assessment = assessForAgent(settings, principal, request);
  const hidden = argumentErrors(settings.policy.findTool(request.tool), request.arguments);
  const common = {
    class: assessment.class,
    reasonCodes: [...assessment.reasonCodes],
    rules: assessment.fired.map((rule) => ({ ...rule })),
  };
  if (assessment.kind !== 'blocked' && hidden.length > 0) {
    // Wrong inside a value that would be sealed: execute refuses it just so.
    return {
      ...common,
      gate: null,
      blocked: true,
      reasonCodes: ['arguments_invalid'],
      levels: [],
      errors: [...hidden],
    };
  }
  switch (assessment.kind) {
    case 'blocked': {
      const errors = hidden.length > 0 ? hidden : assessment.errors;
      return {
        ...common,
        gate: null,
        blocked: true,
        levels: [],
        ...(errors.length > 0 ? { errors: [...errors] } : {}),
      };
    }
    case 'free':
      return { ...common, gate: assessment.gate, blocked: false, levels: [] };
    case 'held':
      return {
        ...common,
        gate: assessment.gate,
        blocked: false,
        levels: assessment.approval.levels.map((level) => ({ ...level, approvers: [...level.approvers] })),
      };
    default:
      return assessment satisfies never;
  }
}

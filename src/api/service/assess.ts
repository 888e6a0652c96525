import type { Principal } from '../principal.ts';
import { refuseSealed } from './sealing.ts';
import type { Explanation, ExplainRequest } from '../../contract/api.ts';
import { assessCall, findArgumentErrors, type Assessment } from '../../domain/policy/assess.ts';
import type { ArgumentError } from '../../contract/exact.ts';
import { explainReasons } from '../../domain/policy/explain-reasons.ts';
import type { InForce, SettingsSource } from '../../domain/policy/settings.ts';
import { maskSealed } from '../../domain/seal-binding.ts';

/** What policy says of a call, as if this principal proposed it. Runs nothing and records nothing. */
export function explain(
  context: { readonly settings: SettingsSource },
  principal: Principal,
  request: ExplainRequest,
): Explanation {
  refuseSealed(request.arguments, request.context);
  const settings = context.settings.current();
  const assessment = assessForAgent(settings, principal, request);
  const hidden = argumentErrors(settings, request, assessment);
  const reasons = explainReasons(settings, request, assessment.reasonCodes);
  const common = {
    class: assessment.class,
    reasonCodes: [...assessment.reasonCodes],
    ...(reasons.length === 0 ? {} : { reasons: [...reasons] }),
    rules: assessment.fired.map((rule) => ({ ...rule })),
  };
  if (assessment.kind !== 'blocked' && hidden.length > 0) {
    // Wrong inside a value that would be sealed: execute refuses it just so.
    const reasonCodes = ['arguments_invalid'];
    return { ...common, gate: null, blocked: true, reasonCodes, levels: [], errors: [...hidden] };
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

/** What the gate worker would say of a call that this principal proposes. Arguments in the clear. */
export function assessForAgent(settings: InForce, principal: Principal, call: ExplainRequest): Assessment {
  const agent = principal.kind === 'agent' ? principal.agent : { id: principal.id };
  const tool = settings.policy.findTool(call.tool);
  return assessCall({
    service: call.service,
    tool: call.tool,
    arguments: maskSealed(call.arguments, tool?.definition.seal ?? []),
    context: call.context ?? {},
    urgency: call.urgency,
    proposer: { attested: true, id: agent.id, owner: agent.owner ?? null, agent },
    settings,
  });
}

/** What is wrong with arguments in the clear: as their assessment says, unless it never looked at them or at what is sealed. */
export function argumentErrors(
  settings: InForce,
  call: Pick<ExplainRequest, 'tool' | 'arguments'>,
  assessment: Assessment,
): readonly ArgumentError[] {
  const tool = settings.policy.findTool(call.tool);
  const isClear = (tool?.definition.seal ?? []).length === 0;
  if (isClear && assessment.kind !== 'blocked') return [];
  if (isClear && assessment.kind === 'blocked' && assessment.reasonCodes.includes('arguments_invalid')) {
    return assessment.errors;
  }
  return findArgumentErrors(settings, call, { sealed: false });
}

import type { JsonObject } from '../../contract/json.ts';
import { assessCall, type Assessment } from '../../domain/policy/assess.ts';
import type { PolicyTool, ArgumentError } from '../../domain/policy/policy.ts';
import { maskSealed } from '../../domain/seal-binding.ts';
import type { Settings } from '../../domain/policy/settings.ts';
import type { Principal } from '../principal.ts';

interface CallToAssess {
  readonly service: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly context?: JsonObject | undefined;
}

/** What the gate worker would say of a call that this principal proposes. Arguments in the clear. */
export function assessForAgent(settings: Settings, principal: Principal, call: CallToAssess): Assessment {
  const agent = principal.kind === 'agent' ? principal.agent : { id: principal.id };
  const tool = settings.policy.findTool(call.tool);
  return assessCall({
    service: call.service,
    tool: call.tool,
    arguments: maskSealed(call.arguments, tool?.definition.seal ?? []),
    context: call.context ?? {},
    proposer: { attested: true, id: agent.id, owner: agent.owner ?? null, agent },
    settings,
  });
}

/** What is wrong with arguments in the clear. */
export function argumentErrors(tool: PolicyTool | undefined, args: JsonObject): readonly ArgumentError[] {
  return tool?.validate(args, { sealed: false }) ?? [];
}

import { endpoint, ok, type Endpoint } from '../http/endpoint.ts';
import { ProblemError } from '../problem.ts';
import {
  explainRequestSchema,
  explanationSchema,
  toolListSchema,
  toolViewSchema,
  type ToolSummary,
  policyInForceSchema,
  type PolicyInForce,
} from '../../contract/api.ts';
import type { Policy, PolicyTool } from '../../domain/policy/policy.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import { explain } from '../service/assess.ts';
import type { ServiceContext } from '../service/context.ts';

export function policyEndpoints(context: ServiceContext, policyInForce: () => PolicyInForce): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/v1/policy',
      tag: 'Policy',
      summary: 'The policy file in force',
      description: 'As loaded by this process, with warnings. It contains no secrets.',
      who: 'reviewer',
      answers: { 200: { description: 'The file', schema: policyInForceSchema } },
      problems: [],
      handle: () => ok(policyInForce()),
    }),
    endpoint({
      method: 'post',
      path: '/v1/policy/explain',
      tag: 'Policy',
      summary: 'How policy would handle a call',
      description: 'As if the caller proposed it. Runs nothing and records nothing.',
      who: 'principal',
      body: explainRequestSchema,
      answers: {
        200: { description: 'Class, gate, levels, reason codes and the rules that matched', schema: explanationSchema },
      },
      problems: ['sealed_not_allowed'],
      handle: ({ principal, body }) => ok(explain(context, principal, body)),
    }),
  ];
}

/** What policy knows of tools: for people who have to read a call, and for the form in which they edit one. */
export function toolEndpoints(settings: SettingsSource): Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/v1/tools',
      tag: 'Policy',
      summary: 'Tools that the policy in force names',
      who: 'reviewer',
      answers: { 200: { description: 'Without their schemas', schema: toolListSchema } },
      problems: [],
      handle() {
        const { policy } = settings.current();
        return ok({ tools: [...policy.tools.values()].map((tool) => summarize(policy, tool)) });
      },
    }),
    endpoint({
      method: 'get',
      path: '/v1/tools/{tool}',
      tag: 'Policy',
      summary: 'One tool with the JSON Schema of its arguments',
      who: 'reviewer',
      answers: { 200: { description: 'The tool', schema: toolViewSchema } },
      problems: ['not_found'],
      handle({ req }) {
        const { policy } = settings.current();
        const tool = policy.findTool(String(req.params['tool']));
        if (tool === undefined) throw new ProblemError('not_found');
        return ok({ ...summarize(policy, tool), arguments: tool.definition.arguments ?? null });
      },
    }),
  ];
}

function summarize(policy: Policy, tool: PolicyTool): ToolSummary {
  const { definition, service, origin } = tool;
  return {
    tool: definition.name,
    service,
    origin,
    title: definition.title ?? null,
    description: definition.description ?? null,
    class: definition.class,
    gate: definition.gate ?? null,
    effects: definition.effects ?? null,
    reason: definition.reason ?? null,
    approvals: policy.approvalsOf(tool).map(({ when, levels }) => ({
      when,
      levels: levels.map((level) => ({ ...level, approvers: [...level.approvers] })),
    })),
    money: definition.money ?? [],
    seal: definition.seal ?? [],
  };
}

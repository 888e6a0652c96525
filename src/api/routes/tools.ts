import { toolListSchema, toolViewSchema, type ToolSummary } from '../../contract/api.ts';
import type { PolicyTool } from '../../domain/policy/policy.ts';
import type { SettingsSource } from '../../domain/policy/settings.ts';
import { endpoint, type Endpoint } from '../http/endpoint.ts';
import { ProblemError } from '../problem.ts';

/** What policy knows of tools: for people who have to read a call, and for the form in which they edit one. */
export function toolEndpoints(settings: SettingsSource): Endpoint[] {
  return [
    endpoint<'reviewer'>({
      method: 'get',
      path: '/v1/tools',
      tag: 'Policy',
      summary: 'Tools that the policy in force names',
      who: 'reviewer',
      answers: { 200: { description: 'Without their schemas', schema: toolListSchema } },
      problems: [],
      handle: () => ({ status: 200, json: { tools: [...settings.current().policy.tools.values()].map(summarize) } }),
    }),
    endpoint<'reviewer'>({
      method: 'get',
      path: '/v1/tools/{tool}',
      tag: 'Policy',
      summary: 'One tool with the JSON Schema of its arguments',
      who: 'reviewer',
      answers: { 200: { description: 'The tool', schema: toolViewSchema } },
      problems: ['not_found'],
      handle({ req }) {
        const tool = settings.current().policy.findTool(String(req.params['tool']));
        if (tool === undefined) throw new ProblemError('not_found');
        return { status: 200, json: { ...summarize(tool), arguments: tool.definition.arguments ?? null } };
      },
    }),
  ];
}

function summarize({ definition, service, origin }: PolicyTool): ToolSummary {
  return {
    tool: definition.name,
    service,
    origin,
    description: definition.description ?? null,
    class: definition.class,
    gate: definition.gate ?? null,
    reason: definition.reason ?? null,
    seal: definition.seal ?? [],
  };
}

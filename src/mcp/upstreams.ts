import { endpoint, type Endpoint } from '../api/http/endpoint.ts';
import { upstreamListSchema, type UpstreamList } from '../contract/upstream-view.ts';
import type { InForce, SettingsSource } from '../domain/policy/settings.ts';
import { acceptKey, stateOfUpstream } from '../domain/policy/upstreams.ts';

/** What upstreams say of their tools, for the people who answer for the policy. */
export function upstreamEndpoints(settings: SettingsSource): Endpoint[] {
  return [
    endpoint<'reviewer'>({
      method: 'get',
      path: '/v1/mcp/upstreams',
      tag: 'Policy',
      summary: 'Tools of upstream MCP servers, and whether they changed',
      description: 'A changed tool holds every call of its server until the policy file accepts its digest.',
      who: 'reviewer',
      answers: { 200: { description: 'Every tool ever listed', schema: upstreamListSchema } },
      problems: [],
      handle: () => ({ status: 200, json: listUpstreams(settings.current()) }),
    }),
  ];
}

function listUpstreams(settings: InForce): UpstreamList {
  const configured = [...(settings.upstreams?.tools ?? [])].filter(([server]) =>
    Object.hasOwn(settings.connectors, server),
  );
  const tools = configured.flatMap(([, listed]) => [...listed.values()]);
  return {
    tools: tools.map((tool) => ({
      key: acceptKey(tool),
      server: tool.server,
      tool: tool.tool,
      state: stateOfUpstream(settings, tool),
      digest: tool.digest,
      first: tool.first,
      description: tool.definition?.description ?? null,
      inputSchema: tool.definition?.inputSchema ?? null,
    })),
  };
}

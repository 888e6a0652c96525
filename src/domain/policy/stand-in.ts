import { toolNameSchema } from '../../contract/call.ts';
import type { PolicyTool } from './policy.ts';

/** The service of a tool: what stands before the first dot. */
export function serviceOf(tool: string): string {
  return tool.split('.')[0] ?? tool;
}

/** The MCP connector that could run a tool which policy does not name: `mcp.<connector>.<tool>`. */
export function standInFor(name: string, mcpConnectors: ReadonlySet<string>): PolicyTool | undefined {
  const [service, connector = '', ...upstream] = name.split('.');
  if (service !== 'mcp' || upstream.length === 0 || !mcpConnectors.has(connector)) return undefined;
  if (!toolNameSchema.safeParse(name).success) return undefined;
  return {
    definition: { name, class: 'irreversible', connector, mcpTool: upstream.join('.') },
    service,
    origin: 'user',
    overridden: false,
    validate: () => [],
  };
}

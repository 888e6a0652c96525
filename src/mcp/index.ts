/** The MCP gateway: `/mcp` over Streamable HTTP. */
export { type McpDeps } from './door.ts';
export { mcpEndpoints } from './endpoints.ts';

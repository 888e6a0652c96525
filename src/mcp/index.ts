/**
 * The MCP gateway, `/mcp` over Streamable HTTP: lists tools, turns calls into proposals through the api's service, and answers
 * with results, tasks or pending reviews. It keeps no state between requests.
 */
export { type McpDeps } from './request.ts';
export { mcpEndpoints } from './endpoints.ts';

import type { Target } from '../../contract/call.ts';
import type {
  ConnectorConfig,
  HttpConnectorConfig,
  McpConnectorConfig,
  PostgresConnectorConfig,
} from '../../contract/config.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import { findInexact, type ArgumentError } from '../../contract/exact.ts';
import { analyzeSelect } from '../sql/analyze.ts';
import { upstreamNameOf } from '../policy/upstreams.ts';
import { argumentsOfTemplate, closedProperties, parseTemplate, renderHttpRequest, type Rendered } from './http.ts';
import { renderPostgresRequest } from './postgres.ts';

export type RenderResult =
  | { readonly ok: true; readonly target: Target }
  | { readonly ok: false; readonly code: 'invalid_call'; readonly errors: readonly ArgumentError[] };

/**
 * Renders what would go to the target, without credentials: part of the digest, shown to reviewers, rendered again
 * before execution. `args` may hold sealed placeholders, in HTTP bodies, SQL parameters and MCP arguments only. What the
 * request cannot carry as it is, is an error, with its place.
 * SQL tools need {@link loadSqlParser} to have been awaited.
 */
export function renderTarget(
  tool: ToolDefinition,
  connectorName: string,
  connector: ConnectorConfig,
  args: JsonObject,
): RenderResult {
  const inexact = findInexact(args);
  if (inexact.length > 0) return { ok: false, code: 'invalid_call', errors: inexact };
  const rendered = renderRequest(tool, connector, args);
  if (!rendered.ok) return { ok: false, code: 'invalid_call', errors: rendered.errors };
  return { ok: true, target: { connector: connectorName, request: rendered.value as Json } };
}

/** What is told apart by its fields, as in the configuration file. */
export type KindedConnector =
  | { readonly kind: 'http'; readonly config: HttpConnectorConfig }
  | { readonly kind: 'postgres'; readonly config: PostgresConnectorConfig }
  | { readonly kind: 'mcp'; readonly config: McpConnectorConfig };

export function kindOfConnector(config: ConnectorConfig): KindedConnector {
  if (config.type === 'mcp') return { kind: 'mcp', config };
  if ('baseUrl' in config) return { kind: 'http', config };
  return { kind: 'postgres', config };
}

function renderRequest(tool: ToolDefinition, connector: ConnectorConfig, args: JsonObject): Rendered<unknown> {
  const kinded = kindOfConnector(connector);
  switch (kinded.kind) {
    case 'http':
      return renderHttpRequest(tool, kinded.config, args);
    case 'postgres':
      return renderPostgresRequest(tool, args);
    case 'mcp':
      return { ok: true, value: { tool: upstreamNameOf(tool), arguments: args } };
  }
}

/** The class that the arguments alone demand, whatever the tool says. */
export function argumentFloor(
  tool: ToolDefinition,
  args: JsonObject,
): { readonly class: 'irreversible'; readonly reason: 'not_plain_select' } | undefined {
  return tool.sql === 'select' && findNotPlain(tool, args) !== undefined
    ? { class: 'irreversible', reason: 'not_plain_select' }
    : undefined;
}

/** What keeps the SQL of a call from being a plain SELECT, and how to allow it where that can be. */
export function findNotPlain(tool: ToolDefinition, { sql }: JsonObject): string | undefined {
  if (typeof sql !== 'string') return 'sql is not a string';
  const select = analyzeSelect(sql, tool.allow);
  if (select.ok) return undefined;
  const { code, name, message } = select;
  if (name === undefined) return message;
  const [what, key] =
    code === 'type_not_allowed' ? ['an enum type', 'types'] : ['a function that is not volatile', 'functions'];
  return `${message}; ${what} of your own can be allowed in the policy, on ${tool.name}: allow: { ${key}: [${name}] }`;
}

/** Arguments that path, query, preview or SQL text use: sealing one of them is a policy error. */
export function templateArguments(tool: ToolDefinition): readonly string[] {
  const paths = [
    ...(tool.request === undefined ? [] : [tool.request.path]),
    ...(tool.preview !== undefined && 'requests' in tool.preview ? tool.preview.requests.map(({ path }) => path) : []),
  ];
  const named = paths.flatMap((path) => {
    const template = parseTemplate(path);
    return template === undefined ? [] : argumentsOfTemplate(template);
  });
  const inQuery = tool.request !== undefined && tool.request.body === undefined ? [...closedProperties(tool)] : [];
  const inSql = tool.sql === undefined ? [] : ['sql'];
  return [...new Set([...named, ...inQuery, ...inSql])];
}

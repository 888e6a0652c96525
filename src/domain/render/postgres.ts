import type { Json, JsonObject } from '../../contract/json.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import { isSealed } from '../seal-binding.ts';
import { analyzeSelect, analyzeStatement } from '../sql/analyze.ts';
import { refuse, type Rendered } from './http.ts';

/** What `target.request` of a PostgreSQL tool holds. */
export interface PostgresTargetRequest {
  /** `select`: runs read-only and is rolled back. `execute`: runs in a transaction that is committed. */
  readonly mode: 'select' | 'execute';
  readonly sql: string;
  readonly params: readonly Json[];
}

const PARAMETER_LIMIT = 1_000;

export function renderPostgresRequest(tool: ToolDefinition, args: JsonObject): Rendered<PostgresTargetRequest> {
  const { sql, params = [], ...others } = args;
  if (tool.sql === undefined) return refuse('the tool does not say what it does with SQL');
  if (typeof sql !== 'string') return refuse('sql is not a string', 'sql');
  if (!Array.isArray(params) || params.length > PARAMETER_LIMIT || !(params as readonly Json[]).every(isParameter)) {
    return refuse('params is not a list of values', 'params');
  }
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) return refuse(`${unknown} has no place in the request`, unknown);
  const mode = tool.sql === 'select' && analyzeSelect(sql, tool.allow).ok ? 'select' : 'execute';
  const statement = analyzeStatement(sql, params.length);
  if (!statement.ok) return refuse(statement.message, statement.code === 'parameters' ? 'params' : 'sql');
  return { ok: true, value: { mode, sql, params: params as readonly Json[] } };
}

/** A scalar, a list of scalars, or a sealed value. */
function isParameter(value: Json): boolean {
  if (Array.isArray(value)) return (value as readonly Json[]).every(isScalar);
  return isScalar(value) || isSealed(value);
}

function isScalar(value: Json): boolean {
  return value === null || typeof value !== 'object';
}

import type { Json, JsonObject } from '../../contract/json.ts';
import type { ToolDefinition } from '../../contract/policy.ts';
import { MAX_ARGUMENT_ERRORS } from '../../contract/exact.ts';
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
  if (!Array.isArray(params) || params.length > PARAMETER_LIMIT)
    return refuse('params is not a list of values', 'params');
  const errors = (params as readonly Json[]).flatMap((value, index) => {
    const message = explainParameter(value);
    return message === undefined ? [] : [{ pointer: `/params/${index}`, message }];
  });
  if (errors.length > 0) return { ok: false, errors: errors.slice(0, MAX_ARGUMENT_ERRORS) };
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) return refuse(`${unknown} has no place in the request`, unknown);
  const mode = tool.sql === 'select' && analyzeSelect(sql, tool.allow).ok ? 'select' : 'execute';
  const statement = analyzeStatement(sql, params.length);
  if (!statement.ok) return refuse(statement.message, statement.code === 'parameters' ? 'params' : 'sql');
  return { ok: true, value: { mode, sql, params: params as readonly Json[] } };
}

/** What is wrong with a parameter: it is a scalar, a list of scalars, which is sent as an array, or a sealed value. */
function explainParameter(value: Json): string | undefined {
  if (isScalar(value) || isSealed(value)) return undefined;
  if (!Array.isArray(value) || !(value as readonly Json[]).every(isScalar)) {
    return 'a parameter is a value or a list of values: write JSON as text';
  }
  // An array without elements is `{}`, which a column of JSON would take for an object.
  return value.length === 0 ? "an empty list: write the text '{}' for an array, '[]' for JSON" : undefined;
}

function isScalar(value: Json): boolean {
  return value === null || typeof value !== 'object';
}

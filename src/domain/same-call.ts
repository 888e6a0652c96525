import type { Json, JsonObject } from '../contract/json.ts';
import type { ToolDefinition } from '../contract/policy.ts';
import type { Assessment } from './policy/assess.ts';
import { comparableSql } from './sql/parser.ts';

/** What a call is, where it is compared with another one: two that give the same do the same. */
export function comparableCall(
  call: { readonly service: string; readonly tool: string; readonly arguments: JsonObject },
  context: JsonObject,
  definition: Pick<ToolDefinition, 'sql'> | undefined,
): JsonObject {
  const { service, tool, arguments: args } = call;
  return { service, tool, arguments: comparableArguments(args, definition), context };
}

/** SQL is compared as PostgreSQL parses it, everything else as it is. */
function comparableArguments(args: JsonObject, definition: Pick<ToolDefinition, 'sql'> | undefined): Json {
  const { sql, ...others } = args;
  if (definition?.sql === undefined || typeof sql !== 'string') return args;
  const statement = comparableSql(sql);
  return statement === undefined ? args : [others, statement];
}

/**
 * What people are asked about besides the call: an equal call stands for another one only where it would be held by the
 * same approval, for the same thread, and tell the same callback.
 */
export function comparableIntent(
  {
    threadId,
    callback,
  }: { readonly threadId?: string | null | undefined; readonly callback?: string | null | undefined },
  { class: callClass, approval }: Extract<Assessment, { kind: 'held' }>,
): JsonObject {
  const { selectedBy: _words, ...plan } = approval;
  return {
    threadId: threadId ?? null,
    callback: callback ?? null,
    class: callClass,
    plan: plan as unknown as JsonObject,
  };
}

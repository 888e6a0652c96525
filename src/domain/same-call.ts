import type { Json, JsonObject } from '../contract/json.ts';
import type { ToolDefinition } from '../contract/policy.ts';
import type { Assessment } from './policy/assess.ts';
import type { Folds } from './policy/schema.ts';
import { comparableSql } from './sql/parser.ts';

/** What a call is, where it is compared with another one: two that give the same do the same. */
export function comparableCall(
  call: { readonly service: string; readonly tool: string; readonly arguments: JsonObject },
  context: JsonObject,
  known: KnownTool | undefined,
): JsonObject {
  const { service, tool, arguments: args } = call;
  return { service, tool, arguments: comparableArguments(args, known), context };
}

interface KnownTool {
  readonly definition: Pick<ToolDefinition, 'sql'>;
  readonly folds?: Folds | undefined;
}

/** SQL is compared as PostgreSQL parses it, an argument with `fold: ascii` without regard to letter case, everything else as it is. */
function comparableArguments(args: JsonObject, known: KnownTool | undefined): Json {
  const { sql, params = [], ...others } = args;
  if (known?.definition.sql === undefined || typeof sql !== 'string') return foldLetters(args, known?.folds);
  return [others, params, comparableSql(sql) ?? { sql }];
}

function foldLetters(value: Json, folds: Folds | undefined): Json {
  if (folds === undefined) return value;
  if (typeof value === 'string') {
    return folds.text ? value.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()) : value;
  }
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => foldLetters(item, folds.items));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      foldLetters(part as Json, folds.properties.get(key) ?? folds.others),
    ]),
  );
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

import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { z } from 'zod';
import type { Json, JsonObject } from '../../contract/json.ts';
import { partsOf, type ListedTool, type ToolListing, type UnlistedTool } from '../../domain/upstream.ts';
import { numbersAsDoubles } from '../../contract/exact-number.ts';
import { isJsonObject } from '../../domain/json/pointer.ts';
import { parseStorable } from '../../domain/json/storable.ts';
import { digestOf } from '../../domain/proof/digest.ts';
import { clip, visible, visibleLines } from '../../domain/text/visible.ts';

/** Bounds of what an upstream may say of itself; it wrote all of it. */
const LIMITS = { pages: 20, tools: 500, nameLength: 128, description: 4_000, schemaText: 1_000, schemaBytes: 32_768 };

// Nothing but the shape that is needed: the SDK's own schema would drop what it does not know, and the digest is over
// everything that came. Servers in some languages write null or an empty text for what is not there.
const pageSchema = z.looseObject({
  tools: z.array(z.looseObject({ name: z.string() })).nullish(),
  nextCursor: z.string().nullish(),
});

/**
 * What an upstream server lists now. A tool whose name or schema cannot be shown safely is left out, and so is every
 * tool whose name is listed twice: it would not be clear which of them runs. What is left out is told.
 *
 * @throws Error where the server does not answer, or lists without end
 */
export async function listUpstreamTools(client: Client, timeoutMs: number): Promise<ToolListing> {
  const found: JsonObject[] = [];
  const unreadable: UnlistedTool[] = [];
  const deadline = Date.now() + timeoutMs;
  let cursor: string | undefined;
  for (let page = 0; ; page += 1) {
    if (page === LIMITS.pages || found.length > LIMITS.tools) throw new Error('the upstream lists too many tools');
    const params = cursor === undefined ? {} : { cursor };
    const timeout = Math.max(deadline - Date.now(), 1);
    const answer = await client.request({ method: 'tools/list', params }, pageSchema, { timeout });
    for (const tool of answer.tools ?? []) {
      const clean = parseStorable(JSON.stringify(tool));
      if (clean.ok && isJsonObject(clean.value)) found.push(clean.value);
      else unreadable.push(leaveOut(tool.name, 'schema_unsafe'));
    }
    cursor = answer.nextCursor || undefined;
    if (cursor === undefined) break;
  }
  const times = new Map<Json | undefined, number>();
  for (const { name } of found) times.set(name, (times.get(name) ?? 0) + 1);
  const described = found.map((tool) => describeTool(tool, times.get(tool['name']) === 1));
  const leftOut = [...unreadable, ...described.flatMap((one) => ('reason' in one ? [one] : []))];
  return {
    tools: described.flatMap((one) => ('reason' in one ? [] : [one])),
    leftOut: [...new Map(leftOut.map((one) => [one.name, one])).values()],
  };
}

function leaveOut(name: unknown, reason: UnlistedTool['reason']): UnlistedTool {
  return { name: visible(clip(String(name), LIMITS.nameLength)), reason };
}

/** One tool, its text made safe; why not, where that cannot be done without changing what the tool takes. */
function describeTool(tool: JsonObject, isOnce: boolean): ListedTool | UnlistedTool {
  const { name, description, inputSchema } = tool;
  const isSafe = typeof name === 'string' && name !== '' && name.length <= LIMITS.nameLength && visible(name) === name;
  if (!isSafe) return leaveOut(name, 'name_unsafe');
  if (!isOnce) return leaveOut(name, 'name_twice');
  const schema = isJsonObject(inputSchema) ? inputSchema : { type: 'object' };
  if (JSON.stringify(schema).length > LIMITS.schemaBytes) return leaveOut(name, 'schema_too_large');
  if (!isPlainSchema(schema)) return leaveOut(name, 'schema_unsafe');
  const text = typeof description === 'string' ? clip(description, LIMITS.description) : null;
  return {
    name,
    digest: digestOf(tool),
    parts: partsOf(tool),
    definition: {
      description: text === null ? null : visibleLines(text).join('\n'),
      // A bound such as 9223372036854775807 is near enough: no argument goes beyond 2^53.
      inputSchema: numbersAsDoubles(showText(schema)) as JsonObject,
    },
  };
}

/** Keys that read as what they are, and references that stay inside: nothing that a client would fetch. */
function isPlainSchema(value: Json): boolean {
  if (Array.isArray(value)) return value.every(isPlainSchema);
  if (!isJsonObject(value)) return true;
  return Object.entries(value).every(
    ([key, item]) =>
      key !== '__proto__' &&
      visible(key) === key &&
      !(/^\$(dynamic|recursive)?ref$/i.test(key) && typeof item === 'string' && !item.startsWith('#')) &&
      isPlainSchema(item),
  );
}

function showText(value: Json): Json {
  if (typeof value === 'string') return visibleLines(clip(value, LIMITS.schemaText)).join('\n');
  if (Array.isArray(value)) return value.map(showText);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, showText(item)]));
}

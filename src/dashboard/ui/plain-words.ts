import type { Json, JsonObject } from '../../contract/json.ts';

/** `Delete repository {owner}/{repo}` with the arguments in place; undefined where one is missing or no plain value. */
export function fillTemplate(template: string, args: JsonObject): string | undefined {
  let complete = true;
  const text = template.replaceAll(/\{([A-Za-z0-9_]+)\}/g, (_match, name: string) => {
    const value: Json | undefined = Object.hasOwn(args, name) ? args[name] : undefined;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
    complete = false;
    return '';
  });
  return complete ? text : undefined;
}

/** A tool nobody described, from its name: `payouts.create` → `payouts: create`. */
export function wordsOfName(tool: string): string {
  const [service, ...rest] = tool.split('.');
  const words = rest
    .join(' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]/g, ' ')
    .toLowerCase();
  return rest.length === 0 ? tool : `${service}: ${words}`;
}

/** What a call does, in one line. */
export function plainWords(tool: string, args: JsonObject | undefined, description: string | null | undefined): string {
  if (description === null || description === undefined) return wordsOfName(tool);
  const sql = args?.['sql'];
  if (typeof sql === 'string') return `${description}: ${clip(sql.trim().replaceAll(/\s+/g, ' '), 64)}`;
  const filled = args === undefined ? undefined : fillTemplate(description, args);
  // Without its arguments, what stands before the first of them still says what the tool does.
  return filled ?? ((description.split('{', 1)[0] ?? '').trim() || wordsOfName(tool));
}

function clip(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/** Arguments out of a list row's summary (`tool {json}`), where it was not clipped. */
export function argumentsOfSummary(tool: string, summary: string): JsonObject | undefined {
  if (!summary.startsWith(`${tool} {`)) return undefined;
  try {
    return JSON.parse(summary.slice(tool.length + 1)) as JsonObject;
  } catch {
    return undefined;
  }
}

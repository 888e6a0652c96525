import type { JsonObject } from '../../contract/json.ts';
import { fillTemplate } from '../../domain/text/write-value.ts';

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
  if (typeof sql === 'string') {
    return fillTemplate(`${description}: {sql}`, { sql: sql.trim().replaceAll(/\s+/g, ' ') }, () => '', 64);
  }
  let isComplete = args !== undefined;
  const filled = fillTemplate(description, args ?? {}, () => {
    isComplete = false;
    return '';
  });
  // Without its arguments, what stands before the first of them still says what the tool does.
  return isComplete ? filled : (description.split('{', 1)[0] ?? '').trim() || wordsOfName(tool);
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

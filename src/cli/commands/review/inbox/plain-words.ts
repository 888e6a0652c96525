import type { JsonObject } from '../../../../contract/json.ts';
import type { ReviewRow } from '../../../../contract/review.ts';
import { fillTemplate } from '../../../../domain/text/write-value.ts';
import { visible } from '../../../ui/visible.ts';

/** Descriptions of tools by name, from the policy in force. Arguments stand in them as `{name}`. */
export type Descriptions = ReadonlyMap<string, string>;

/** Longest value of an argument in a sentence. */
const VALUE = 40;

/** What a call does, in the policy's words. */
export function inPlainWords(descriptions: Descriptions, tool: string, args: JsonObject | null): string {
  const description = descriptions.get(tool);
  if (description === undefined) return visible(tool);
  return visible(fillTemplate(description, args ?? {}, () => '…', VALUE));
}

/** As {@link inPlainWords}, for a row of the list, whose summary may have lost the end of the arguments. */
export function rowInPlainWords(descriptions: Descriptions, row: ReviewRow): string {
  if (row.kind === 'in-flow') return visible(row.title ?? 'A question of a workflow');
  return inPlainWords(descriptions, row.tool, argumentsOf(row));
}

function argumentsOf({ tool, summary }: ReviewRow): JsonObject | null {
  try {
    return JSON.parse(summary.slice(tool.length)) as JsonObject;
  } catch {
    return null;
  }
}

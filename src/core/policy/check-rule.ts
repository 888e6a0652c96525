import type { ToolDefinition } from '../../contract/policy.ts';
import { closedProperties } from '../render/http.ts';
import { isPresenceOf, type ArgumentPath } from './argument-uses.ts';
import type { Expression } from './expression.ts';
import { serviceOf } from './stand-in.ts';

/**
 * A tool that a condition is bound to fail for, because it reads an argument the tool's closed schema does not know. A
 * rule that fails makes the call irreversible, which is safe and hardly what its author had in mind.
 */
export function findBoundToFail(
  expression: Expression,
  tools: Iterable<ToolDefinition>,
): { readonly tool: string; readonly argument: string } | undefined {
  const guarded = (name: string): boolean => expression.uses.some((use) => isPresenceOf(use, name));
  const read = expression.uses.flatMap(([name]: ArgumentPath) => (name === undefined || guarded(name) ? [] : [name]));
  for (const tool of tools) {
    if (tool.arguments?.['additionalProperties'] !== false || tool.class === 'forbidden') continue;
    const known = closedProperties(tool);
    const argument = read.find((name) => !known.has(name));
    if (argument !== undefined && expression.concerns(tool.name, serviceOf(tool.name))) {
      return { tool: tool.name, argument };
    }
  }
  return undefined;
}

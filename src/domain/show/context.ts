import type { JsonObject } from '../../contract/json.ts';

/**
 * A review's context by whose word it is. Pinned is what the configuration in force pins for the proposer to the very value
 * that the review has; everything else was said by the proposer.
 */
export function splitContext(
  context: JsonObject,
  pinned: JsonObject,
): { readonly pinned: JsonObject; readonly said: JsonObject } {
  const isPinned = (name: string): boolean =>
    Object.hasOwn(pinned, name) && JSON.stringify(pinned[name]) === JSON.stringify(context[name]);
  const entries = Object.entries(context);
  return {
    pinned: Object.fromEntries(entries.filter(([name]) => isPinned(name))),
    said: Object.fromEntries(entries.filter(([name]) => !isPinned(name))),
  };
}

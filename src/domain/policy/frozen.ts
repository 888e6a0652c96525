import type { StandingFreeze } from '../../contract/freeze.ts';
import { matchesPattern, type InForce } from './settings.ts';

/** What stops a call that runs under one of these names: an operator's freeze, or the configuration's. */
export function findFreezeOf(
  settings: InForce,
  names: readonly string[],
): StandingFreeze | 'configuration' | undefined {
  const stops = (patterns: readonly string[]): boolean =>
    patterns.some((pattern) => names.some((name) => matchesPattern(pattern, name)));
  if (stops(settings.freeze)) return 'configuration';
  return settings.freezes?.standing.find(({ tools }) => stops(tools));
}

/** Of the freezes that a call is judged by. */
export function freezeVersionOf({ freezes }: Pick<InForce, 'freezes'>): number {
  return freezes?.version ?? 0;
}

/** Patterns that fit none of these tools. Those of upstream servers are not all known. */
export function findUnmatched(patterns: readonly string[], tools: readonly string[]): string[] {
  return patterns.filter(
    (pattern) => pattern !== '*' && !pattern.startsWith('mcp.') && !tools.some((tool) => matchesPattern(pattern, tool)),
  );
}

import type { ReviewerConfig } from '../contract/config.ts';
import type { StandingFreeze } from '../contract/freeze.ts';
import { voterOf } from './eligibility.ts';
import { matchesPattern, type InForce, type Settings } from './policy/settings.ts';

/** Whether the configuration names this person, or one of the groups they decide for, among its operators. */
export function isOperator(
  { operators }: Pick<Settings, 'operators'>,
  reviewer: Pick<ReviewerConfig, 'id' | 'groups' | 'role'>,
): boolean {
  if (reviewer.role === 'auditor') return false;
  const { id, groups } = voterOf(reviewer);
  return operators.some((name) => name === id || groups.includes(name));
}

/** Why this person may not lift a freeze; undefined: they may. */
export function refusalOfLift(
  settings: Pick<Settings, 'operators' | 'liftBySecondPerson'>,
  { by }: Pick<StandingFreeze, 'by'>,
  lifter: Pick<ReviewerConfig, 'id' | 'groups' | 'role'>,
): 'not_an_operator' | 'second_person_required' | undefined {
  if (!isOperator(settings, lifter)) return 'not_an_operator';
  return settings.liftBySecondPerson && lifter.id === by ? 'second_person_required' : undefined;
}

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

/** Patterns that fit none of these tools. Those of upstream servers are not all known. */
export function findUnmatched(patterns: readonly string[], tools: readonly string[]): string[] {
  return patterns.filter(
    (pattern) => pattern !== '*' && !pattern.startsWith('mcp.') && !tools.some((tool) => matchesPattern(pattern, tool)),
  );
}

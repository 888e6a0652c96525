import type { ReviewerConfig } from '../contract/config.ts';
import type { StandingFreeze } from '../contract/freeze.ts';
import { voterOf } from './eligibility.ts';
import type { Settings } from './policy/settings.ts';

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

import type { ReviewerConfig } from '../contract/config.ts';
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

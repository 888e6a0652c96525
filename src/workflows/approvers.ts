import { approversAt } from '../domain/gate/check.ts';
import type { Session } from './session.ts';

/** Groups that may vote on the open level now. */
export function approvers({ gate }: Pick<Session, 'gate'>): readonly string[] {
  if (gate?.tag !== 'pending') return [];
  const level = gate.spec.levels[gate.level - 1];
  return level === undefined ? [] : approversAt(level, Date.now());
}

import { describe, expect, it } from 'vitest';
import { mayReconcile, type ReconcileContext } from '../../src/domain/gate/reconcile.ts';
import { iso, levelOf, NOON } from '../support/materials.ts';

const sound: ReconcileContext = {
  isUnknown: true,
  settledBy: iso(NOON),
  digestMatches: true,
  levels: [levelOf('ops'), levelOf('finance')],
  owner: 'ops-3',
  reviewer: 'finance-1',
  groups: ['finance'],
  at: NOON,
};

describe('who may say what became of a call', () => {
  it('is somebody who may vote on the last level', () => {
    expect(mayReconcile(sound)).toBeUndefined();
    expect(mayReconcile({ ...sound, groups: ['ops'] })).toBe('not_an_approver');
    expect(mayReconcile({ ...sound, groups: [] })).toBe('not_an_approver');
  });

  it('is somebody of the escalation, once it has begun', () => {
    const levels = [levelOf('finance', 1, { at: iso(NOON), to: ['managers'] })];
    expect(mayReconcile({ ...sound, levels, groups: ['managers'] })).toBeUndefined();
    expect(mayReconcile({ ...sound, levels, groups: ['managers'], settledBy: null, at: NOON - 1 })).toBe(
      'not_an_approver',
    );
  });

  it('is any reviewer where no decision was needed, but no stranger and no auditor (who is in no group here)', () => {
    expect(mayReconcile({ ...sound, levels: [], groups: ['anything'] })).toBeUndefined();
    expect(mayReconcile({ ...sound, levels: [], groups: [] })).toBe('not_an_approver');
  });

  it('is never the owner', () => {
    expect(mayReconcile({ ...sound, reviewer: 'ops-3' })).toBe('self_approval');
    expect(mayReconcile({ ...sound, reviewer: 'ops-3', levels: [] })).toBe('self_approval');
  });

  it('is nobody before the request can no longer be on its way', () => {
    expect(mayReconcile({ ...sound, at: NOON - 1 })).toBe('not_reconcilable');
  });

  it('is nobody of another version', () => {
    expect(mayReconcile({ ...sound, digestMatches: false })).toBe('digest_mismatch');
  });

  it('answers the first reason in order: not unknown, no approver, owner, too early, digest', () => {
    const all = { isUnknown: false, groups: [], reviewer: 'ops-3', at: NOON - 1, digestMatches: false };
    expect(mayReconcile({ ...sound, ...all })).toBe('not_reconcilable');
    expect(mayReconcile({ ...sound, ...all, isUnknown: true })).toBe('not_an_approver');
    const approver = { ...all, isUnknown: true, groups: ['finance'] };
    expect(mayReconcile({ ...sound, ...approver })).toBe('self_approval');
    expect(mayReconcile({ ...sound, ...approver, reviewer: 'finance-1' })).toBe('not_reconcilable');
    expect(mayReconcile({ ...sound, ...approver, reviewer: 'finance-1', at: NOON })).toBe('digest_mismatch');
  });
});

import type { ApprovalPlan } from '../../src/domain/policy/policy.ts';
import { ONE_OF_OPS } from '../support/small-policy.ts';

/** Calls and approvals that the workflow tests share. */
export const HOUR = 3_600_000;

export const create = (amount = 100) => ({ tool: 'payouts.create', arguments: { account: 'acct-1', amount } });
export const close = (id = 'acct-1') => ({ tool: 'payouts.close', arguments: { id } });
export const purge = (before = '2024-01-01') => ({ tool: 'payouts.purge', arguments: { before } });

export const level = (name: string, approvers: readonly string[], quorum = 1) => ({
  name,
  approvers: [...approvers],
  quorum,
});

export const plan = (patch: Partial<ApprovalPlan>): ApprovalPlan => ({ ...ONE_OF_OPS, ...patch });

/** Two of ops, then one of finance. */
export const CHAIN = plan({ levels: [level('operations', ['ops'], 2), level('money', ['finance'])] });

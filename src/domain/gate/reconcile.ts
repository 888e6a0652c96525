import type { Level } from '../../contract/review.ts';
import { mayVote } from './check.ts';

export interface ReconcileContext {
  /** The execution is `outcome_unknown` and nobody has reconciled it. */
  readonly isUnknown: boolean;
  /** ISO 8601; before it the request may still be on its way. */
  readonly settledBy: string | null;
  readonly digestMatches: boolean;
  readonly levels: readonly Level[];
  readonly owner: string | null;
  readonly reviewer: string;
  readonly groups: readonly string[];
  /** Epoch ms. */
  readonly at: number;
}

/**
 * Who may say what became of a call: a reviewer who may vote on the last level and is not the owner. A call that
 * needed no decision can be reconciled by any reviewer but the owner.
 */
export function mayReconcile(
  context: ReconcileContext,
): 'not_reconcilable' | 'not_an_approver' | 'self_approval' | 'digest_mismatch' | undefined {
  if (!context.isUnknown) return 'not_reconcilable';
  const last = context.levels.at(-1);
  const isApprover = last === undefined ? context.groups.length > 0 : mayVote(last, context.groups, context.at);
  if (!isApprover) return 'not_an_approver';
  if (context.reviewer === context.owner) return 'self_approval';
  if (context.settledBy !== null && context.at < Date.parse(context.settledBy)) return 'not_reconcilable';
  return context.digestMatches ? undefined : 'digest_mismatch';
}
